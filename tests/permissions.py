"""Holds what a Lambda's code does with tables against what its role allows: conditions on partition keys included.

Neither moto nor MiniStack evaluates all of that, and what a role lacks shows in AWS only.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from fnmatch import fnmatchcase
from typing import Any

import pytest
from botocore.client import BaseClient

from cadence.local.ministack.leading_keys import leading_keys
from infra.lambdas import LAMBDAS
from infra.row.permissions import IamPermission

# The parts of a transaction, which are actions of their own.
_PARTS = {
    "Get": "GetItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}


class _Names:
    """The names of resources, which targets ask for: `table("runs")` is `table runs`."""

    def __getattr__(self, kind: str) -> Any:
        return lambda *names: " ".join((kind, *map(str, names)))


_elsewhere = ContextVar("elsewhere", default=False)


@contextmanager
def in_another_lambda() -> Iterator[None]:
    """Lets what happens in the block be another Lambda's, which the one under test has invoked."""
    token = _elsewhere.set(True)
    try:
        yield
    finally:
        _elsewhere.reset(token)


@contextmanager
def within_the_role_of(folder: str, patch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str, str]]]:
    """Fails at the first action on a table that the Lambda's role does not allow; yields (action, table, key)."""
    permissions = LAMBDAS[folder].all_permissions
    original = BaseClient._make_api_call  # type: ignore[attr-defined]
    done: list[tuple[str, str, str]] = []

    def make(client: Any, operation: str, parameters: Mapping[str, Any]) -> Any:
        if client.meta.service_model.service_name == "dynamodb" and not _elsewhere.get():
            for action, target, key in actions(operation, parameters):
                assert _allowed(permissions, action, target, key), f"{folder} may not {action} {key!r} of {target}"
                done.append((action, target, key))
        return original(client, operation, parameters)

    with patch.context() as own:
        own.setattr(BaseClient, "_make_api_call", make)
        yield done


def actions(operation: str, parameters: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yields what a call needs: the action, the table or index, and the partition key (empty for one of an index)."""
    if operation in ("TransactWriteItems", "TransactGetItems"):
        for part in parameters["TransactItems"]:
            ((name, content),) = part.items()
            yield _PARTS[name], _table(content), _key(content)
    elif operation in ("BatchWriteItem", "BatchGetItem"):
        for table, content in parameters["RequestItems"].items():
            for each in _batch(content):
                yield operation, f"table {table}", _key(each)
    else:
        yield operation, _table(parameters), _key(parameters)


def _batch(content: Any) -> list[Mapping[str, Any]]:
    """Returns what a batch does to one table: its reads have keys, its writes have a change each."""
    if isinstance(content, Mapping):
        return [{"Key": key} for key in content["Keys"]]
    return [change for each in content for change in each.values()]


def _allowed(permissions: tuple[IamPermission, ...], action: str, target: str, key: str) -> bool:
    return any(
        f"dynamodb:{action}" in permission.actions
        and target in {named(_Names()) for named in permission.targets}  # type: ignore[arg-type]
        and (not permission.leading_keys or any(fnmatchcase(key, pattern) for pattern in permission.leading_keys))
        for permission in permissions
    )


def _table(content: Mapping[str, Any]) -> str:
    name = str(content["TableName"])
    return f"index {name} {content['IndexName']}" if "IndexName" in content else f"table {name}"


def _key(content: Mapping[str, Any]) -> str:
    item = content.get("Item") or content.get("Key")
    if item is None:
        return next(iter(leading_keys(json.dumps(content, default=str).encode())), "")
    key = item["pk"]
    return str(next(iter(key.values())) if isinstance(key, dict) else key)
