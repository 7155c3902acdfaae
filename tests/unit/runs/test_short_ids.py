"""The shortest ends of ids that name one run."""

from datetime import UTC, datetime

from cadence.application.shared.identifiers import derived_ulid
from cadence.cli.shared.output import marked_end
from cadence.cli.shared.short_ids import unique_endings

MINUTE = datetime(2026, 12, 1, 3, tzinfo=UTC)


def test_runs_of_schedules_of_one_minute_have_short_ends_of_their_own() -> None:
    run_ids = [derived_ulid(MINUTE, "default", "default", f"pipeline-{number}", "digest") for number in range(200)]
    assert len({run_id[:10] for run_id in run_ids}) == 1

    ends = unique_endings(run_ids)
    assert sorted(ends) == sorted(run_ids)
    for run_id, end in ends.items():
        assert 4 <= len(end) <= 6
        assert [one for one in run_ids if one.endswith(end)] == [run_id]


def test_an_end_is_as_long_as_needed_and_no_longer() -> None:
    assert unique_endings(["aaaaxbcdef", "bbbbybcdef", "ccccc00000"]) == {
        "aaaaxbcdef": "xbcdef",
        "bbbbybcdef": "ybcdef",
        "ccccc00000": "0000",
    }
    assert unique_endings([]) == {}


def test_a_marked_end_is_still_the_whole_id() -> None:
    assert str(marked_end("01m8qnxyr6", "xyr6")) == "01m8qnxyr6"
