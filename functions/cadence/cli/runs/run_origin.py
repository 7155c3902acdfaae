"""What a run is to another one, in words, and the commit that it is for."""

from collections.abc import Mapping
from typing import Any

_COMMIT = 7
_BRANCH = 30


def run_origin(run: Mapping[str, Any], ends: Mapping[str, str] | None = None) -> str | None:
    """What a run is to the run that it belongs to, repeats or was started by; None for one that stands alone.

    `ends` are shorter names of runs. A server of an earlier version does not say which runs were generated.
    """
    named = ends or {}
    if replayed := run["replay_of"]:
        return f"replay of {_short(replayed['run_id'], named)}, treatment {replayed['treatment']}"
    if run["started_by_run"]:
        by = f"{'part of' if run.get('generated') else 'started by'} {_short(run['started_by_run'], named)}"
        return f"{by}, treatment {run['started_by_treatment']}" if run.get("started_by_treatment") else by
    return f"rerun of {_short(run['rerun_of'], named)}" if run["rerun_of"] else None


def run_commit(run: Mapping[str, Any]) -> str | None:
    """The branch and the short commit of a run, such as `main 1a2b3c4`; None for a run of no commit."""
    branch = run["branch"] or ""
    branch = branch if len(branch) <= _BRANCH else f"{branch[: _BRANCH - 1]}…"
    return f"{branch} {(run['commit'] or '')[:_COMMIT]}".strip() or None


def _short(run_id: str, ends: Mapping[str, str]) -> str:
    return ends.get(run_id, run_id)
