"""What the evidence says about why a treatment differs, and how sure that is."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from cadence.domain.replay.clues import Clue, ExecutionSite, OutputClues, read
from cadence.domain.replay.kinds import Confidence, DifferenceEvidence, DifferenceKind, Execution, Guess, guesses
from cadence.domain.replay.moments import Stretch, moments

THEN = datetime(2026, 11, 24, 21, 0, 5, tzinfo=UTC)
NOW = datetime(2027, 2, 3, 8, 30, 59, tzinfo=UTC)


def side(at: datetime, host: str | None = None) -> ExecutionSite:
    return ExecutionSite(Stretch(at - timedelta(seconds=2), at + timedelta(seconds=5)), host)


def reading(*pairs: tuple[str, str]) -> OutputClues:
    return read(pairs, side(THEN, "runner-a"), side(NOW, "runner-b"))


FORMS = (
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%d %H:%M:%S.123",
    "%Y-%m-%dT%H:%M:%S+00:00",
    "%Y/%m/%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y%m%dT%H%M%SZ",
    "%Y%m%d-%H%M%S",
    "%a %b %d %H:%M:%S UTC %Y",
    "%a, %d %b %Y %H:%M:%S GMT",
    "%H:%M:%S",
    "%s",
)


@pytest.mark.parametrize("form", FORMS)
def test_each_way_to_write_the_time_of_the_run_is_seen(form: str) -> None:
    def written(at: datetime) -> str:
        return str(int(at.timestamp())) if form == "%s" else at.strftime(form)

    found = reading((f"built at {written(THEN)}.", f"built at {written(NOW)}."))
    assert found.explained
    assert [finding.clue for finding in found.findings] == [Clue.MOMENT]


@pytest.mark.parametrize("unit", [1_000, 1_000_000, 1_000_000_000])
def test_seconds_since_the_epoch_in_any_unit(unit: int) -> None:
    assert reading(*[(str(int(THEN.timestamp() * unit)), str(int(NOW.timestamp() * unit)))]).has(Clue.MOMENT)


def test_a_clock_of_another_zone() -> None:
    zone = timezone(timedelta(hours=5, minutes=45))
    local = [at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S") for at in (THEN, NOW)]
    assert reading((local[0], local[1])).has(Clue.MOMENT)
    zoned = [at.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S%z") for at in (THEN, NOW)]
    assert reading((zoned[0], zoned[1])).has(Clue.MOMENT)


def test_a_time_that_is_not_its_own_runs_is_none() -> None:
    found = reading(("released 2020-01-02T03:04:05Z", "released 2021-01-02T03:04:05Z"))
    assert not found.findings
    assert not found.explained
    assert not reading(("build 1795554004", "build 1700000000")).has(Clue.MOMENT)


def test_what_is_no_date_is_none() -> None:
    assert [moment.text for _, _, moment in moments("2026-02-31T00:00:00 and 25:61 and 20269999-999999")] == []


def test_a_duration_a_place_and_identifiers() -> None:
    workspace = "/tmp/cadence-0/cadence-{}-0123456789ab-1-abc_{}d/work"
    uuids = ("7d444840-9dc0-11d1-b245-5ffdce74fad2", "3b241101-e2bb-4255-8caf-4136c566a962")
    for then, now, clue in (
        ("3 passed in 0.12s", "3 passed in 0.15s", Clue.DURATION),
        (workspace.format("0" * 26, 1), workspace.format("1" * 26, 2), Clue.PLACE),
        ("on runner-a", "on runner-b", Clue.PLACE),
        (*uuids, Clue.UUID),
        ("ab12" * 8, "cd34" * 8, Clue.TOKEN),
    ):
        found = reading((then, now))
        assert found.explained
        assert [finding.clue for finding in found.findings] == [clue]


def test_hostile_lines_are_read_in_no_time() -> None:
    for unit in ("/a", "1:", "2026-", "-", "0", "ab1", "Mon ", "9.", "cadence-" + "0" * 26 + "-"):
        line = unit * (4_096 // len(unit))
        found = reading(*[(f"{line}x{number}", f"{line}y{number}") for number in range(20)])
        assert not found.explained


def test_what_else_differs_is_not_explained_away() -> None:
    found = reading(("17 of 20 in 0.1s", "18 of 20 in 0.2s"))
    assert found.has(Clue.DURATION)
    assert not found.explained


def sent(digest: str, *, offline: bool = False, state: str = "succeeded", code: int = 0) -> Execution:
    return Execution(state, code, {"out": digest} if state == "succeeded" else {}, offline)


UNEXPLAINED = {"out": reading(("17", "42"))}
TIMED = {"out": reading((THEN.isoformat(), NOW.isoformat()))}


def kinds(evidence: DifferenceEvidence) -> list[tuple[DifferenceKind, Confidence]]:
    return [(guess.kind, guess.confidence) for guess in guesses(evidence)]


def test_nothing_is_guessed_where_nothing_differs() -> None:
    assert guesses(DifferenceEvidence(sent("a"), [sent("a"), sent("a", offline=True)], {})) == []


def test_time_is_named_by_its_words() -> None:
    (guess,) = guesses(DifferenceEvidence(sent("a"), [sent("b")], TIMED))
    assert guess == Guess(
        DifferenceKind.TIME,
        Confidence.LIKELY,
        f"out says '{THEN.isoformat()}' then and '{NOW.isoformat()}' now, each the time of its own run",
    )


def test_random_needs_a_replay_without_a_network_that_differs_as_well() -> None:
    assert kinds(DifferenceEvidence(sent("a"), [sent("b")], UNEXPLAINED)) == [
        (DifferenceKind.UNKNOWN, Confidence.POSSIBLE)
    ]
    assert kinds(DifferenceEvidence(sent("a"), [sent("b"), sent("c")], UNEXPLAINED)) == [
        (DifferenceKind.RANDOM, Confidence.POSSIBLE)
    ]
    replays = [sent("b"), sent("c"), sent("d", offline=True)]
    assert kinds(DifferenceEvidence(sent("a"), replays, UNEXPLAINED)) == [(DifferenceKind.RANDOM, Confidence.LIKELY)]


def test_the_network_is_named_when_it_ends_otherwise_without_one() -> None:
    failed = sent("", offline=True, state="failed", code=7)
    (guess,) = guesses(DifferenceEvidence(sent("a"), [sent("b"), failed], UNEXPLAINED))
    assert (guess.kind, guess.confidence) == (DifferenceKind.NETWORK, Confidence.LIKELY)
    assert "without a network it failed with exit code 7, with one it succeeded" in guess.evidence
    assert kinds(DifferenceEvidence(sent("a"), [sent("b"), failed], TIMED)) == [
        (DifferenceKind.TIME, Confidence.LIKELY),
        (DifferenceKind.NETWORK, Confidence.POSSIBLE),
    ]


def test_what_needs_the_network_and_is_the_same_is_told() -> None:
    failed = sent("", offline=True, state="failed", code=7)
    assert kinds(DifferenceEvidence(sent("a"), [sent("a"), failed], {})) == [
        (DifferenceKind.NETWORK, Confidence.LIKELY)
    ]


def test_what_changed_once_and_for_all() -> None:
    (guess,) = guesses(DifferenceEvidence(sent("a"), [sent("b"), sent("b")], UNEXPLAINED))
    assert guess.kind is DifferenceKind.UNKNOWN
    assert "the same in all 2 replays, but differs from then" in guess.evidence


def test_order_and_endings() -> None:
    assert kinds(DifferenceEvidence(sent("a"), [sent("b")], UNEXPLAINED, ["out"])) == [
        (DifferenceKind.ORDER, Confidence.LIKELY)
    ]
    (guess,) = guesses(DifferenceEvidence(sent("a"), [sent("", state="failed", code=1)], {}))
    assert guess.evidence == "it does not always end alike: succeeded, failed with exit code 1"
