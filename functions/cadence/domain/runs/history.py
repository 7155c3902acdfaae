"""The states that a treatment has been in, and since when.

They are written with the changes themselves, so that the history is complete.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A cause may be a whole message; the treatment itself keeps all of it.
_LONGEST_NOTE = 200


@dataclass(frozen=True, order=True)
class StateChange:
    """A change of state: from `at` (to the millisecond) on, attempt `attempt` was in `state`.

    `note` says why, or where, if there is more to say.
    """

    at: datetime
    attempt: int
    state: str
    note: str = ""


def encode(change: StateChange) -> str:
    """Returns a short text, the same for the same change: milliseconds since 1970, attempt, state, note."""
    milliseconds = (change.at - _EPOCH) // timedelta(milliseconds=1)
    return f"{milliseconds} {change.attempt} {change.state} {_shortened(change.note)}".rstrip()


def decode(text: str) -> StateChange:
    """Returns the change that `encode` wrote."""
    milliseconds, attempt, state, *note = text.split(" ", 3)
    return StateChange(_EPOCH + timedelta(milliseconds=int(milliseconds)), int(attempt), state, "".join(note))


def in_order(changes: Iterable[StateChange], states: Sequence[str]) -> tuple[StateChange, ...]:
    """Returns the changes by time; within one millisecond by attempt and in the order of `states`.

    A step that was repeated noted its state a second time: only the first counts.
    """
    order = {state: index for index, state in enumerate(states)}
    ordered: list[StateChange] = []
    for change in sorted(changes, key=lambda change: (change.at, change.attempt, order.get(change.state, len(order)))):
        if not ordered or (ordered[-1].attempt, ordered[-1].state) != (change.attempt, change.state):
            ordered.append(change)
    return tuple(ordered)


def _shortened(note: str) -> str:
    line = " ".join(note.split())
    return line if len(line) <= _LONGEST_NOTE else f"{line[: _LONGEST_NOTE - 1]}…"
