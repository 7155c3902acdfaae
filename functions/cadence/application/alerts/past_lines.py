"""Finds past lines that a rule looks for by the search index, and rebuilds their events."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from cadence.application.alerts.queries import parsed
from cadence.application.logs.ports import Line
from cadence.application.search.ports import Hit, LinePosition, SearchIndex, SearchScope
from cadence.application.shared.ports import Clock
from cadence.application.shared.run_ports import RunStore
from cadence.domain.alerts.rule import LogCondition
from cadence.domain.exports.event import Event, EventKind

_PAGE = 1_000
_MOST_LINES = 200_000
_RUNS_AT_ONCE = 100


@dataclass(kw_only=True)
class PastLines:
    """Collects lines, newest first, until `give_up_at`; all after `since` were found (see `Past`)."""

    search: SearchIndex
    runs: RunStore
    clock: Clock
    give_up_at: datetime
    since: datetime
    complete: bool = True
    looked_at: int = 0
    lines: dict[tuple[str, int], list[Hit]] = field(default_factory=lambda: defaultdict(list))

    def collect(self, condition: LogCondition, scope: SearchScope, until: datetime) -> Sequence[Event]:
        """Returns events whose segments hold only matching lines; those of replays are left out."""
        query = replace(parsed(condition.query), since=self.since, until=until)
        before: LinePosition | None = None
        count = 0
        while True:
            page = self.search.search(scope, query, _PAGE, before)
            for hit in page.hits:
                self.lines[hit.place.run_id, hit.place.segment].append(hit)
            count += len(page.hits)
            before = page.older
            if before is None:
                break
            if count >= _MOST_LINES or self.clock() >= self.give_up_at:
                self.complete, self.since = False, datetime.fromisoformat(before.time)
                break
        known = {run_id for run_id, _ in self.lines}
        self.looked_at = len(known)
        replays = self._replays(sorted(known))
        return [_event(hits) for (run_id, _), hits in self.lines.items() if run_id not in replays]

    def read(self, key: str) -> Sequence[Line]:
        """Returns the lines of the segment of a collected event."""
        run_id, _, number = key.partition("/")
        return [hit.line for hit in _in_order(self.lines[run_id, int(number)])]

    def _replays(self, run_ids: Sequence[str]) -> set[str]:
        replays: set[str] = set()
        for start in range(0, len(run_ids), _RUNS_AT_ONCE):
            runs = self.runs.get_runs(run_ids[start : start + _RUNS_AT_ONCE])
            replays |= {run_id for run_id, run in runs.items() if run.replay_of is not None}
        return replays


def _in_order(hits: Sequence[Hit]) -> list[Hit]:
    return sorted(hits, key=lambda hit: hit.place.index)


def _event(hits: Sequence[Hit]) -> Event:
    ordered = _in_order(hits)
    first = ordered[0]
    times = [hit.place.time for hit in ordered]
    return {
        "id": f"segment:{first.place.run_id}:{first.place.segment}",
        "kind": str(EventKind.SEGMENT),
        "organization": first.organization,
        "project": first.project,
        "pipeline": first.pipeline,
        "run_id": first.place.run_id,
        "number": first.place.segment,
        "key": f"{first.place.run_id}/{first.place.segment}",
        "first_time": min(times),
        "last_time": max(times),
        "lines": len(ordered),
        "treatments": sorted({hit.line["treatment"] for hit in ordered}),
        "levels": sorted({hit.line["level"] for hit in ordered}),
        "indexes": [hit.place.index for hit in ordered],
    }
