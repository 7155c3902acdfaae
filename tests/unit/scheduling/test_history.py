"""What a treatment's history tells: every state with its time, whatever is repeated."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadence.domain.runs.history import StateChange, decode, encode, in_order
from cadence.domain.runs.states import TreatmentState

NOW = datetime(2030, 1, 1, 12, 0, 0, 250_000, tzinfo=UTC)
STATES = tuple(TreatmentState)


@given(
    milliseconds=st.integers(0, 10**13),
    attempt=st.integers(1, 999),
    state=st.sampled_from(STATES),
    note=st.text(max_size=400),
)
def test_what_is_written_is_read(milliseconds: int, attempt: int, state: TreatmentState, note: str) -> None:
    change = StateChange(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds), attempt, state, note)
    read = decode(encode(change))
    assert (read.at, read.attempt, read.state) == (change.at, attempt, state)
    words = " ".join(note.split())
    assert read.note == words if len(words) <= 200 else read.note.endswith("…")


def test_changes_of_one_millisecond_are_in_the_order_in_which_states_follow() -> None:
    changes = [
        StateChange(NOW, 2, "placing"),
        StateChange(NOW, 1, "lost", "the host went away"),
        StateChange(NOW, 1, "running"),
        StateChange(NOW - timedelta(seconds=1), 1, "pending"),
    ]
    assert [(one.attempt, one.state) for one in in_order(changes, STATES)] == [
        (1, "pending"), (1, "running"), (1, "lost"), (2, "placing"),
    ]  # fmt: skip


def test_a_repeated_step_is_told_once_with_its_first_time() -> None:
    later = NOW + timedelta(seconds=3)
    told = in_order([StateChange(later, 1, "booting", "pool b"), StateChange(NOW, 1, "booting", "pool a")], STATES)
    assert told == (StateChange(NOW, 1, "booting", "pool a"),)


@pytest.mark.parametrize("note", ["", "a\nb", "  spaces  "])
def test_a_note_is_one_line(note: str) -> None:
    assert "\n" not in decode(encode(StateChange(NOW, 1, "failed", note))).note
