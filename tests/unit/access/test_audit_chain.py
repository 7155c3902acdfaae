"""The chain of the audit log: whatever is done to exported records is found."""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadence.domain.access.audit import AuditEntry, AuditKind
from cadence.domain.access.audit_chain import (
    NOTHING_BEFORE,
    ChainFault,
    ChainHead,
    ChainRecord,
    IdentifiedEntry,
    extend,
    record_digest,
    verify_chain,
)

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def identified(number: int, organization: str = "acme") -> IdentifiedEntry:
    entry = AuditEntry(
        organization=organization,
        project="site",
        at=NOW + timedelta(milliseconds=number),
        kind=AuditKind.CHANGE,
        actor="member:1",
        token_id="t1",
        token_name="Ada ✓",
        action="put_secret",
        target=f"/v1/projects/site/secrets/s{number}",
        source="192.0.2.1",
    )
    return IdentifiedEntry(f"e{number:06}", entry)


def chain(count: int, organization: str = "acme") -> list[ChainRecord]:
    records, _ = extend(ChainHead(), [identified(number, organization) for number in range(1, count + 1)])
    return list(records)


RECORDS = chain(40)


def faults(records: Sequence[ChainRecord], *known: ChainHead) -> set[ChainFault]:
    return {finding.fault for finding in verify_chain(records, known).findings}


def rechained(records: Sequence[ChainRecord]) -> list[ChainRecord]:
    """Returns what somebody who can write the table would make of records: the digests fit again."""
    made: list[ChainRecord] = []
    previous = records[0]["previous"]
    for record in records:
        record = {**record, "previous": previous}
        previous = record_digest(record)
        made.append({**record, "digest": previous})
    return made


def test_a_chain_of_100_000_records_verifies() -> None:
    records, head = extend(ChainHead(), [identified(number) for number in range(100_000)])
    report = verify_chain(records, [head])
    assert (report.intact, report.records, report.first, report.head) == (True, 100_000, 1, head)


def test_digests_are_those_that_the_documentation_describes() -> None:
    first, second = RECORDS[:2]
    covered = {name: value for name, value in first.items() if name != "digest"}
    text = json.dumps(covered, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert first["digest"] == hashlib.sha256(text.encode()).hexdigest() == second["previous"]
    assert first["previous"] == NOTHING_BEFORE


def test_records_that_are_read_from_json_verify_as_they_were_made() -> None:
    assert verify_chain(json.loads(json.dumps(RECORDS))).intact


@given(st.integers(0, 40), st.integers(0, 40))
def test_any_part_in_a_row_verifies_by_itself(start: int, end: int) -> None:
    part = RECORDS[start:end]
    report = verify_chain(part)
    assert report.intact
    assert report.records == len(part)


@given(st.integers(0, 39), st.sampled_from(sorted(RECORDS[0])), st.text(max_size=20))
def test_a_changed_record_is_found(place: int, member: str, text: str) -> None:
    before = RECORDS[place]
    changed = {**before, member: before[member] + 1 if member == "sequence" else text}
    if changed == before:
        return
    report = verify_chain([*RECORDS[:place], changed, *RECORDS[place + 1 :]])
    assert not report.intact
    assert any(finding.sequence in {before["sequence"], changed["sequence"]} for finding in report.findings)


@given(st.integers(1, 38))
def test_a_removed_record_is_found(place: int) -> None:
    assert faults([*RECORDS[:place], *RECORDS[place + 1 :]]) == {ChainFault.REMOVED}


@given(st.integers(0, 38), st.integers(1, 39))
def test_reordered_records_are_found(one: int, distance: int) -> None:
    other = min(one + distance, 39)
    records = list(RECORDS)
    records[one], records[other] = records[other], records[one]
    assert ChainFault.REORDERED in faults(records)


@given(st.integers(0, 39))
def test_a_record_that_is_there_twice_is_found(place: int) -> None:
    assert faults([*RECORDS[: place + 1], *RECORDS[place:]]) == {ChainFault.REORDERED}


@given(st.integers(1, 39))
def test_records_of_another_chain_are_found(place: int) -> None:
    other = rechained([{**record, "actor": "member:2"} for record in RECORDS])
    assert faults([*RECORDS[:place], *other[place:]]) == {ChainFault.REPLACED}
    foreign = chain(40, "umbrella")
    assert faults([*RECORDS[:place], *foreign[place:]]) == {ChainFault.REPLACED}


@given(st.integers(0, 39))
def test_a_chain_that_was_made_anew_is_found_by_a_known_record(place: int) -> None:
    forged = rechained([*RECORDS[:place], {**RECORDS[place], "actor": "member:2"}, *RECORDS[place + 1 :]])
    known = ChainHead(40, RECORDS[-1]["digest"])
    assert verify_chain(forged).intact
    assert faults(forged, known) == {ChainFault.REPLACED}
    assert verify_chain(RECORDS, [known]).intact


@given(st.integers(0, 39))
def test_a_chain_that_was_cut_off_is_found_by_a_known_record(kept: int) -> None:
    assert faults(RECORDS[:kept], ChainHead(40, RECORDS[-1]["digest"])) == {ChainFault.REMOVED}


@pytest.mark.parametrize(
    "record",
    [
        None,
        [],
        {},
        {**RECORDS[0], "more": "x"},
        {**RECORDS[0], "sequence": "1"},
        {**RECORDS[0], "sequence": True},
        {**RECORDS[0], "sequence": 0},
        {**RECORDS[0], "actor": None},
        {name: value for name, value in RECORDS[0].items() if name != "digest"},
    ],
    ids=["null", "list", "empty", "member-added", "text-number", "boolean", "zero", "null-member", "no-digest"],
)
def test_what_is_no_record_is_found(record: Any) -> None:
    assert faults([record]) == {ChainFault.MALFORMED}


def test_nothing_is_an_intact_chain() -> None:
    report = verify_chain([])
    assert (report.intact, report.records, report.head) == (True, 0, ChainHead())
