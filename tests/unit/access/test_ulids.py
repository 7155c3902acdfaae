from datetime import UTC, datetime, timedelta

import pytest

from cadence.application.shared.identifiers import derived_ulid, highest_ulid, lowest_ulid, new_ulid

NOW = datetime(2026, 5, 1, 12, 30, 15, 123_000, tzinfo=UTC)
MOMENT = timedelta(milliseconds=1)


def test_every_id_of_a_moment_is_between_its_lowest_and_its_highest() -> None:
    for made in (new_ulid(NOW), derived_ulid(NOW, "key")):
        assert lowest_ulid(NOW) <= made <= highest_ulid(NOW)
        assert highest_ulid(NOW - MOMENT) < made < lowest_ulid(NOW + MOMENT)


@pytest.mark.parametrize("day", ["0001-01-01", "1969-12-31", "1970-01-01", "9999-12-31"])
def test_times_that_ids_do_not_have_are_those_of_their_ends(day: str) -> None:
    at = datetime.fromisoformat(f"{day}T00:00:00Z")
    first = datetime(1970, 1, 1, tzinfo=UTC)
    assert lowest_ulid(at) == lowest_ulid(max(at, first)) < highest_ulid(at) == highest_ulid(max(at, first))
    assert (new_ulid(NOW) > lowest_ulid(at)) == (at < NOW)
