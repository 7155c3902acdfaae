"""Runs kept by a process, for callers that use only what never changes of a run."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping

from cadence.application.exports.observe import RunsOf
from cadence.domain.runs.run import Run

_MOST = 1_000


class KnownRuns:
    """Implements `RunsOf`: reads only runs that are not known yet."""

    def __init__(self, read: RunsOf, most: int = _MOST) -> None:
        self._read, self._most = read, most
        self._known: OrderedDict[str, Run] = OrderedDict()

    def __call__(self, run_ids: Iterable[str]) -> Mapping[str, Run]:
        wanted = dict.fromkeys(run_ids)
        unknown = [run_id for run_id in wanted if run_id not in self._known]
        runs = {run_id: self._known[run_id] for run_id in wanted if run_id in self._known}
        if unknown:
            runs |= self._read(unknown)
        for run_id, run in runs.items():
            self._known[run_id] = run
            self._known.move_to_end(run_id)
        while len(self._known) > self._most:
            self._known.popitem(last=False)
        return runs
