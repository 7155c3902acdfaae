"""Makes the emulated AWS (moto) quicker without changing what it answers."""

import copy
import functools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import SIGV4_TIMESTAMP, SigV4Auth
from botocore.compat import get_current_datetime
from moto.core import responses, serialize
from moto.core.base_backend import BaseBackend
from moto.core.serialize import AttributePickerContext
from moto.dynamodb import models as dynamodb
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table
from moto.kms import models


@contextmanager
def quick_emulation() -> Iterator[None]:
    """Keeps what moto would compute anew for each key and each answer, and lets calls go unsigned, as moto checks no
    signature, while the block runs.
    """
    kms: Any = models
    signing: Any = SigV4Auth
    backend: Any = BaseBackend
    picker: Any = serialize.AttributePicker
    tables: Any = dynamodb.DynamoDBBackend
    calls: Any = responses
    with pytest.MonkeyPatch.context() as patch:
        # Moto makes an RSA key for symmetric keys as well, which takes longer than most tests and which none uses.
        patch.setattr(kms, "generate_private_key", functools.cache(kms.generate_private_key))
        patch.setattr(calls, "method_names_from_class", functools.cache(calls.method_names_from_class))
        patch.setattr(backend, "urls", property(kept_for_each_class(backend.urls.fget)))
        patch.setattr(signing, "add_auth", without_signature(signing.add_auth))
        patch.setattr(picker, "__call__", remembering_names(picker.__call__))
        patch.setattr(tables, "transact_write_items", keeping_what_changes(tables.transact_write_items))
        patch.setattr(Table, "__deepcopy__", as_before_the_transaction, raising=False)
        yield


def kept_for_each_class(read: Any) -> Any:
    """Returns a property's function that computes its value once for each class of what has the property."""
    kept: dict[type, Any] = {}

    def read_quickly(self: Any) -> Any:
        if type(self) not in kept:
            kept[type(self)] = read(self)
        return kept[type(self)]

    return read_quickly


def without_signature(sign: Any) -> Any:
    """Returns ``SigV4Auth.add_auth``, which tells AWS itself who calls, and when, but signs nothing. Other endpoints,
    and ways to sign that are built on this one (S3, URLs that are signed in advance), are signed as ever.
    """
    plain: Any = SigV4Auth

    def add_auth(self: Any, request: Any) -> None:
        host = urlsplit(request.url).hostname or ""
        if type(self) is not plain or self.credentials is None or not host.endswith(".amazonaws.com"):
            sign(self, request)
            return
        request.context["timestamp"] = get_current_datetime().strftime(SIGV4_TIMESTAMP)
        self._modify_request_before_signing(request)
        self._inject_signature_to_request(request, "0" * 64)

    return add_auth


# Of the transaction that is being written: the partition key and the sort key of each item, by table.
_changing: ContextVar[Mapping[str, Sequence[tuple[Any, Any]]] | None] = ContextVar("changing", default=None)


def keeping_what_changes(write: Any) -> Any:
    """Returns ``DynamoDBBackend.transact_write_items``, which copies the tables to restore them if a transaction fails,
    so that it copies only what the transaction may change.
    """

    def write_quickly(self: Any, transact_items: Sequence[Mapping[str, Any]]) -> Any:
        changing: dict[str, list[tuple[Any, Any]]] = defaultdict(list)
        for operation in (operation for item in transact_items for operation in item.values()):
            table = self.tables.get(operation.get("TableName"))
            key = operation.get("Key", operation.get("Item"))
            if table is not None and key is not None:
                partition, sort = table.hash_key_attr, table.range_key_attr
                changing[table.name].append((_typed(key.get(partition)), _typed(key.get(sort))))
        token = _changing.set(changing)
        try:
            return write(self, transact_items)
        finally:
            _changing.reset(token)

    return write_quickly


def _typed(value: Any) -> DynamoType | None:
    return None if value is None else DynamoType(value)


def as_before_the_transaction(table: Any, memo: dict[int, Any]) -> Any:
    """``Table.__deepcopy__``: a copy that shares with the table what the transaction that is being written leaves
    as it is, or a full copy if there is no transaction.
    """
    kept = memo[id(table)] = copy.copy(table)
    changing = _changing.get()
    if changing is None:
        vars(kept).update(copy.deepcopy(vars(table), memo))
        return kept
    kept.items = table.items.copy()
    for partition, sort in changing[table.name]:
        found = kept.items.get(partition)
        if isinstance(found, dict):
            found = kept.items[partition] = found.copy()
            if sort in found:
                found[sort] = copy.deepcopy(found[sort])
        elif found is not None:
            kept.items[partition] = copy.deepcopy(found)
    if table.stream_shard is not None:
        kept.stream_shard = copy.copy(table.stream_shard)
        kept.stream_shard.table, kept.stream_shard.items = kept, list(table.stream_shard.items)
    return kept


def remembering_names(pick: Any) -> Any:
    """Returns ``AttributePicker.__call__``, which looks for a member of an answer under some ten names, so that it
    makes up the names for a member of a dictionary once.

    They depend on the shapes of the member and of what it is a member of, which their names tell within a service.
    """
    names_of: dict[tuple[Any, ...], tuple[str, ...]] = {}

    def pick_quickly(self: Any, context: AttributePickerContext) -> Any:
        values, shape = context.obj, context.shape
        if type(values) is not dict or shape is None or self.response_transformers:
            return pick(self, context)
        parent = getattr(shape, "parent", None)
        what = (
            type(self), *self.alias_providers, context.service_model and context.service_model.service_name,
            parent and (parent.type_name, parent.name), shape.type_name, shape.name, shape.serialization.get("name"),
            context.key,
        )  # fmt: skip
        names = names_of.get(what)
        if names is None:
            names = names_of[what] = tuple(dict.fromkeys(self.get_possible_keys(context)))
        if any("." in name for name in names):
            return pick(self, context)
        return next((values[name] for name in names if name in values), None)

    return pick_quickly
