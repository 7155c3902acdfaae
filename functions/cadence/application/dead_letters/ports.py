"""What showing, re-driving and discarding what was set aside needs from the outside."""

from collections.abc import Callable, Sequence
from typing import Protocol

from cadence.domain.dead_letters.dead_letter import DeadLetter

Sees = Callable[[str], bool]
"""Whether the caller may see what belongs to a project (`*`: to the organization)."""


class DeadLetterSource(Protocol):
    """Everything of one kind that was set aside."""

    def list(self, organization: str, sees: Sees, limit: int) -> Sequence[DeadLetter]:
        """The oldest ones that the caller sees."""

    def content(self, organization: str, dead_letter: DeadLetter, most: int) -> bytes:
        """Its first bytes. Raises NotFound if they are not kept any more."""

    def redrive(self, organization: str, dead_letter: DeadLetter) -> None:
        """Has it tried once more, without waiting for that. What fails again is set aside again."""

    def discard(self, organization: str, dead_letter: DeadLetter) -> None:
        """Removes it for good. Discarding what is gone is no error."""


class Redrive(Protocol):
    """Asks other Lambdas to try again, without waiting for them."""

    def index_segments(self, organization: str, project: str, segments: Sequence[tuple[str, int]]) -> None: ...

    def write_records(self, organization: str, numbers: Sequence[str]) -> None: ...
