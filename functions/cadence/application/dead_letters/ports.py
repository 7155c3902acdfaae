"""Ports for showing, redriving and discarding dead letters."""

from collections.abc import Callable, Sequence
from typing import Protocol

from cadence.domain.dead_letters.dead_letter import DeadLetter

Sees = Callable[[str], bool]
"""Returns True if the caller may see dead letters of a project (`*`: of the organization)."""


class DeadLetterSource(Protocol):
    """The dead letters of one kind."""

    def list(self, organization: str, sees: Sees, limit: int) -> Sequence[DeadLetter]:
        """Returns the oldest ones that the caller sees, at most `limit`."""

    def content(self, organization: str, dead_letter: DeadLetter, most: int) -> bytes:
        """Returns its first `most` bytes. Raises NotFound if they are not kept any more."""

    def redrive(self, organization: str, dead_letter: DeadLetter) -> None:
        """Requests another try, without waiting for it; a dead letter that fails again is set aside again."""

    def discard(self, organization: str, dead_letter: DeadLetter) -> None:
        """Removes it for good; a missing one is no error."""


class Redrive(Protocol):
    """Asks other Lambdas to try again, without waiting for them."""

    def index_segments(self, organization: str, project: str, segments: Sequence[tuple[str, int]]) -> None: ...

    def write_records(self, organization: str, numbers: Sequence[str]) -> None: ...
