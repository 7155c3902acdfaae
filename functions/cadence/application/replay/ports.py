"""Ports over replays."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from cadence.domain.runs.run import ReplayOf


class ReplayStore(Protocol):
    """The replays of treatments (table `runs`)."""

    def note(self, original: ReplayOf, run_id: str, at: datetime) -> None:
        """Records `run_id` as a replay of `original`. Safe to repeat."""

    def newest(self, original: ReplayOf, limit: int) -> Sequence[str]:
        """Returns the ids of its replays, newest first."""
