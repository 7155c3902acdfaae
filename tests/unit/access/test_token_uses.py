"""A use is noted once an hour for each process, and not at all for the tokens of engines."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cadence.application.access.token_uses import NoteTokenUses
from cadence.domain.access.engine_tokens import engine_token_id

NOW = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)


@dataclass
class Uses:
    noted: list[tuple[str, datetime]] = field(default_factory=list)

    def put(self, token_id: str, at: datetime) -> None:
        self.noted.append((token_id, at))

    def last_uses(self, token_ids: object) -> dict[str, datetime]:
        return dict(self.noted)


def test_a_use_is_noted_once_an_hour() -> None:
    store = Uses()
    note = NoteTokenUses(store)
    for minutes in (0, 1, 59, 60, 61, 121):
        note.note("a", NOW + timedelta(minutes=minutes))
    note.note("b", NOW)
    assert store.noted == [
        ("a", NOW),
        ("a", NOW + timedelta(minutes=60)),
        ("a", NOW + timedelta(minutes=121)),
        ("b", NOW),
    ]


def test_tokens_of_engines_are_left_out() -> None:
    store = Uses()
    NoteTokenUses(store).note(engine_token_id("0" * 26), NOW)
    assert store.noted == []
