"""Quotas of an organization, which bound its use at any one time."""

from dataclasses import dataclass

DEFAULT_RUNNING_RUNS = 500


@dataclass(frozen=True)
class Quotas:
    """The limits of one organization.

    `max_runners` counts over all its pools (None: only the pools' own limits apply). In `closed_projects` no run
    starts, since they are being deleted.
    """

    max_running_runs: int = DEFAULT_RUNNING_RUNS
    max_runners: int | None = None
    closed_projects: frozenset[str] = frozenset()
