"""The hash chain over an organization's audit log: pure, so that it can be verified from exported records.

A record is a JSON object of texts, and the whole number `sequence`. `digest` is the SHA-256, in hexadecimal, of all
other members as JSON with sorted keys, without blanks, in UTF-8; `previous` is the digest of the record before it, 64
zeros for the first one.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from cadence.domain.access.audit import AuditEntry

ChainRecord = Mapping[str, Any]

NOTHING_BEFORE: Final = "0" * 64
"""`previous` of the first record of an organization."""

# Made once: `json.dumps` would make one for each record.
to_text: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
"""Returns a record as JSON in the form that its digest covers."""

_MEMBERS: Final = frozenset(
    {
        "organization", "sequence", "previous", "digest", "id", "at", "kind", "actor", "token", "by", "action",
        "target", "project", "outcome", "request", "source",
    }
)  # fmt: skip


@dataclass(frozen=True)
class ChainHead:
    """The end of a chain: the number of its last record, and that record's digest."""

    sequence: int = 0
    digest: str = NOTHING_BEFORE


@dataclass(frozen=True)
class IdentifiedEntry:
    """An entry of the audit log, and the id under which it is stored."""

    entry_id: str
    entry: AuditEntry


def extend(head: ChainHead, entries: Sequence[IdentifiedEntry]) -> tuple[Sequence[ChainRecord], ChainHead]:
    """Returns the records of entries that follow `head`, in their order, and the new head."""
    records: list[ChainRecord] = []
    for identified in entries:
        record = _record(head, identified)
        records.append(record)
        head = ChainHead(record["sequence"], record["digest"])
    return records, head


def _record(head: ChainHead, identified: IdentifiedEntry) -> ChainRecord:
    entry = identified.entry
    record = {
        "organization": entry.organization,
        "sequence": head.sequence + 1,
        "previous": head.digest,
        "id": identified.entry_id,
        "at": entry.at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "kind": str(entry.kind),
        "actor": entry.actor,
        "token": entry.token_id,
        "by": entry.token_name,
        "action": entry.action,
        "target": entry.target,
        "project": entry.project,
        "outcome": entry.outcome,
        "request": entry.request,
        "source": entry.source,
    }
    return {**record, "digest": record_digest(record)}


def record_digest(record: ChainRecord) -> str:
    """Returns the digest that a record must have, in hexadecimal; its own member `digest` is left out."""
    covered = {name: value for name, value in record.items() if name != "digest"}
    return hashlib.sha256(to_text(covered).encode("utf-8", "surrogatepass")).hexdigest()


class ChainFault(StrEnum):
    """What can be wrong with a chain."""

    MALFORMED = "malformed"
    CHANGED = "changed"
    REMOVED = "removed"
    REORDERED = "reordered"
    REPLACED = "replaced"


@dataclass(frozen=True)
class ChainFinding:
    """One fault, the number of the record at which it shows (0: it has none), and a sentence for people."""

    fault: ChainFault
    sequence: int
    message: str


@dataclass(frozen=True, kw_only=True)
class ChainReport:
    """The result of verifying records: how many there are, where they begin and end, and what is wrong."""

    records: int
    first: int
    head: ChainHead
    findings: Sequence[ChainFinding]

    @property
    def intact(self) -> bool:
        return not self.findings


def verify_chain(records: Iterable[ChainRecord], known: Sequence[ChainHead] = ()) -> ChainReport:
    """Verifies records in the order in which they are given.

    The first record may have any number, since records are kept for a limited time. `known` are heads that the caller
    kept from earlier: what they name must still be there, so that a chain that was computed anew, or cut off at its
    end, is found. A known head that precedes the first record can prove nothing and is a finding, too.
    """
    verifier = _Verifier({head.sequence: head.digest for head in known})
    for record in records:
        verifier.take(record)
    return verifier.report()


@dataclass
class _Verifier:
    known: dict[int, str]
    head: ChainHead | None = None
    first: int = 0
    records: int = 0
    organization: str | None = None
    findings: list[ChainFinding] = field(default_factory=list)

    def take(self, record: ChainRecord) -> None:
        self.records += 1
        if not _well_formed(record):
            self._find(ChainFault.MALFORMED, 0, f"Record {self.records} in this order is no record of an audit log.")
            return
        sequence, digest = record["sequence"], record["digest"]
        if record_digest(record) != digest:
            self._find(ChainFault.CHANGED, sequence, f"Record {sequence} was changed: its digest is another one.")
        if self.organization not in {None, record["organization"]}:
            self._find(
                ChainFault.REPLACED,
                sequence,
                f"Record {sequence} is of the organization {record['organization']!r}, not of {self.organization!r}.",
            )
        self.organization = record["organization"]
        if self._follows(record):
            self.head = ChainHead(sequence, digest)
        self._compare(sequence, digest)

    def _follows(self, record: ChainRecord) -> bool:
        """Returns whether the record is where the chain goes on; notes what is wrong with its place."""
        sequence, head = record["sequence"], self.head
        if head is None:
            self.first = sequence
            if sequence == 1 and record["previous"] != NOTHING_BEFORE:
                self._find(ChainFault.REMOVED, 1, "Record 1 follows another one, which is missing.")
            return True
        if sequence <= head.sequence:
            self._find(ChainFault.REORDERED, sequence, f"Record {sequence} comes after record {head.sequence}.")
            return False
        if sequence > head.sequence + 1:
            missing = f"{head.sequence + 1} to {sequence - 1}" if sequence > head.sequence + 2 else f"{sequence - 1}"
            self._find(ChainFault.REMOVED, sequence, f"Missing before record {sequence}: {missing}.")
        elif record["previous"] != head.digest:
            message = f"Record {sequence} does not follow this record {head.sequence}: one of them was replaced."
            self._find(ChainFault.REPLACED, sequence, message)
        return True

    def _compare(self, sequence: int, digest: str) -> None:
        expected = self.known.pop(sequence, None)
        if expected is not None and expected != digest:
            message = f"Record {sequence} has another digest than the one that was known: the chain was made anew."
            self._find(ChainFault.REPLACED, sequence, message)

    def report(self) -> ChainReport:
        for sequence in sorted(self.known):
            if sequence:
                self._find(ChainFault.REMOVED, sequence, f"The known record {sequence} is missing.")
        return ChainReport(
            records=self.records, first=self.first, head=self.head or ChainHead(), findings=tuple(self.findings)
        )

    def _find(self, fault: ChainFault, sequence: int, message: str) -> None:
        self.findings.append(ChainFinding(fault, sequence, message))


def _well_formed(record: object) -> bool:
    if not isinstance(record, Mapping) or set(record) != _MEMBERS:
        return False
    if type(record["sequence"]) is not int or record["sequence"] < 1:
        return False
    # `sequence` is the one member that is no text.
    return sum(type(value) is str for value in record.values()) == len(_MEMBERS) - 1
