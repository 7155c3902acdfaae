"""Reads and writes of items of the `access` table that several of its stores need."""

from collections.abc import Iterator
from typing import TypeVar

from pynamodb.exceptions import DoesNotExist
from pynamodb.transactions import TransactWrite

from cadence.adapters.dynamodb.access.access_items import AccessTable
from cadence.adapters.dynamodb.shared.binding import transaction_connection
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.domain.shared.errors import Conflict, NotFound

M = TypeVar("M", bound=AccessTable)


def read_item(model: type[M], pk: str, sk: str, missing: str) -> M:
    try:
        with translated(f"{model.__name__} {sk}"):
            return model.get(pk, sk, consistent_read=True)
    except DoesNotExist:
        raise NotFound(missing) from None


def read_under(model: type[M], pk: str, prefix: str) -> Iterator[M]:
    with translated(prefix):
        yield from model.query(pk, model.sk.startswith(prefix), consistent_read=True)


def create_item(item: AccessTable, taken: str) -> None:
    try:
        with translated(item.sk):
            item.save(AccessTable.pk.does_not_exist())
    except Conflict:
        raise Conflict(taken) from None


def write_together() -> TransactWrite:
    return TransactWrite(connection=transaction_connection())
