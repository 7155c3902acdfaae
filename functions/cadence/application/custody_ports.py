"""What is noted of values that are kept elsewhere, or only until they were read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from cadence.domain.custody import Custody


@dataclass(frozen=True)
class Kept:
    """What holds for all that one attempt of a treatment sends."""

    treatment: str
    attempt: int
    custody: Custody


class Custodies(Protocol):
    """Table `runs`. Every write is safe to repeat, reads are consistent."""

    def note(self, run_id: str, treatment: str, attempt: int, custody: Custody) -> None:
        """Also notes of the run that it has some. Before anything is sent."""

    def list(self, run_id: str, treatments: Iterable[str] | None = None) -> Sequence[Kept]:
        """Of all attempts of these treatments (None: of all)."""

    def forget_digests(self, run_id: str, treatment: str, attempt: int) -> None:
        """Of all that the attempt sent."""
