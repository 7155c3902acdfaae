"""What replays need from the outside, beside `ports.py`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from cadence.domain.runs.run import ReplayOf


class ReplayStore(Protocol):
    """Which replays there are of a treatment (table `runs`)."""

    def note(self, original: ReplayOf, run_id: str, at: datetime) -> None:
        """Remembers `run_id` as a replay of `original`. Safe to repeat."""

    def newest(self, original: ReplayOf, limit: int) -> Sequence[str]:
        """Ids of its replays, newest first."""
