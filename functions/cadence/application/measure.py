"""Figures for monitoring, read from the newest runs only: a scrape must cost little however much is stored."""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from cadence.application.ports import Clock
from cadence.application.visible_runs import VisibleRuns
from cadence.domain.access import Principal

_WINDOW = timedelta(hours=24)
_MOST_RUNS = 1_000
_PAGE = 99


@dataclass(frozen=True)
class Measure:
    """OpenMetrics text: runs created in the last 24 hours by project and state, and how long those that ended took.

    At most the newest 1,000 runs are read; `cadence_runs_truncated` is 1 if there were more.
    """

    visible: VisibleRuns
    clock: Clock

    def __call__(self, principal: Principal) -> str:
        since = self.clock() - _WINDOW
        states: Counter[tuple[str, str]] = Counter()
        seconds: Counter[str] = Counter()
        ended: Counter[str] = Counter()
        after, read, more = None, 0, True
        while more and read < _MOST_RUNS:
            page = self.visible.page(principal, _PAGE, after)
            recent = [run for run in page.items if run.created_at >= since]
            read += len(recent)
            for run in recent:
                states[run.project, str(run.state)] += 1
                if run.finished_at:
                    ended[run.project] += 1
                    seconds[run.project] += (run.finished_at - run.created_at) // timedelta(milliseconds=1)
            after = page.after
            more = after is not None and len(recent) == len(page.items)
        lines = [
            "# TYPE cadence_runs gauge",
            "# HELP cadence_runs Runs created in the last 24 hours, by their present state.",
            *(f'cadence_runs{{project="{p}",state="{s}"}} {n}' for (p, s), n in sorted(states.items())),
            "# TYPE cadence_run_seconds gauge",
            "# UNIT cadence_run_seconds seconds",
            "# HELP cadence_run_seconds Mean time from creation to end of the runs of the last 24 hours that ended.",
            *(f'cadence_run_seconds{{project="{p}"}} {seconds[p] / 1000 / n:.3f}' for p, n in sorted(ended.items())),
            "# TYPE cadence_runs_truncated gauge",
            "# HELP cadence_runs_truncated 1 if there were more runs than the 1,000 that were read.",
            f"cadence_runs_truncated {int(more)}",
            "# EOF",
        ]
        return "\n".join(lines) + "\n"
