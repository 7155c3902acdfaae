"""`AuditChain` on the `access` table: the end of each chain, and its records in seals, compressed."""

import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist
from pynamodb.transactions import TransactWrite

from cadence.adapters.dynamodb.access.access_items import AccessTable
from cadence.adapters.dynamodb.access.audit import AuditItem
from cadence.adapters.dynamodb.shared.binding import bind, transaction_connection
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.access.ports import AuditChain
from cadence.domain.access.audit import KEPT
from cadence.domain.access.audit_chain import ChainHead, ChainRecord, IdentifiedEntry, to_text

_WHAT = "the chain of the audit log"


class ChainHeadItem(AccessTable):
    """The end of a chain. It does not expire, so that an organization never begins a second chain."""

    PREFIX: ClassVar[str] = "AUDITCHAIN#"
    SK: ClassVar[str] = "HEAD"

    sequence = NumberAttribute()
    digest = UnicodeAttribute()


class SealItem(AccessTable):
    """The records of one seal. Its key has the number of the last one, so that a query finds where to go on."""

    PREFIX: ClassVar[str] = "SEAL#"

    records = BinaryAttribute(legacy_encoding=False)

    @classmethod
    def of(cls, organization: str, records: Sequence[ChainRecord]) -> "SealItem":
        last = max(datetime.fromisoformat(record["at"]) for record in records)
        return cls(
            ChainHeadItem.PREFIX + organization,
            cls.key(records[-1]["sequence"]),
            records=gzip.compress(to_json_lines(records), 6, mtime=0),
            expires_at=last + KEPT,
        )

    @classmethod
    def key(cls, sequence: int) -> str:
        return f"{cls.PREFIX}{sequence:016}"

    def chained(self) -> Sequence[ChainRecord]:
        return [json.loads(line) for line in gzip.decompress(self.records).splitlines()]


class DynamoAuditChain(AuditChain):
    def __init__(self, table_name: str) -> None:
        bind(ChainHeadItem, table_name)
        bind(SealItem, table_name)

    def head(self, organization: str) -> ChainHead:
        try:
            with translated(_WHAT):
                item = ChainHeadItem.get(ChainHeadItem.PREFIX + organization, ChainHeadItem.SK, consistent_read=True)
        except DoesNotExist:
            return ChainHead()
        return ChainHead(int(item.sequence), item.digest)

    def recent(self, organization: str, seals: int) -> Sequence[Sequence[ChainRecord]]:
        with translated(_WHAT):
            items = SealItem.query(
                ChainHeadItem.PREFIX + organization,
                SealItem.sk.startswith(SealItem.PREFIX),
                scan_index_forward=False,
                limit=seals,
                consistent_read=True,
            )
            return [item.chained() for item in items]

    def append(self, organization: str, head: ChainHead, records: Sequence[ChainRecord]) -> None:
        last = records[-1]
        moved = ChainHeadItem(
            ChainHeadItem.PREFIX + organization, ChainHeadItem.SK, sequence=last["sequence"], digest=last["digest"]
        )
        unmoved = (
            (ChainHeadItem.sequence == head.sequence) & (ChainHeadItem.digest == head.digest)
            if head.sequence
            else ChainHeadItem.pk.does_not_exist()
        )
        with translated(_WHAT), TransactWrite(connection=transaction_connection()) as transaction:
            transaction.save(moved, condition=unmoved)
            transaction.save(SealItem.of(organization, records), condition=SealItem.pk.does_not_exist())

    def records(self, organization: str, after: int, limit: int) -> Sequence[ChainRecord]:
        found: list[ChainRecord] = []
        with translated(_WHAT):
            items = SealItem.query(
                ChainHeadItem.PREFIX + organization,
                SealItem.sk.between(SealItem.key(after + 1), SealItem.key(10**16 - 1)),
            )
            for item in items:
                found += [record for record in item.chained() if record["sequence"] > after]
                if len(found) >= limit:
                    break
        return found[:limit]


def to_json_lines(records: Iterable[ChainRecord]) -> bytes:
    """Returns records as JSON Lines: one a line, in the form that their digests cover."""
    return "".join(f"{to_text(record)}\n" for record in records).encode("utf-8", "surrogatepass")


def read_new_entries(records: Iterable[Mapping[str, Any]]) -> list[IdentifiedEntry]:
    """Returns the entries of the audit log that were added, of the records of the table's stream, in their order."""
    entries: list[IdentifiedEntry] = []
    for record in records:
        image = record["dynamodb"].get("NewImage")
        if record["eventName"] == "INSERT" and image and image["pk"]["S"].startswith(AuditItem.PREFIX):
            item = AuditItem.from_raw_data(dict(image))
            entries.append(IdentifiedEntry(item.sk, item.entry()))
    return entries
