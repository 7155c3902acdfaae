"""What an organization may use at a time."""

from dataclasses import dataclass

DEFAULT_RUNNING_RUNS = 500


@dataclass(frozen=True)
class Quotas:
    """`max_runners` counts over all its pools (None: as many as the pools give)."""

    max_running_runs: int = DEFAULT_RUNNING_RUNS
    max_runners: int | None = None
