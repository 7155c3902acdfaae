"""Runs are read once by a process."""

from collections.abc import Iterable, Mapping

from cadence.adapters.caching.known_runs import KnownRuns
from cadence.domain.runs.run import Run
from tests.fakes.runs import a_run


class Store:
    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def get_runs(self, run_ids: Iterable[str]) -> Mapping[str, Run]:
        self.asked.append(sorted(run_ids))
        return {run_id: a_run(run_id) for run_id in self.asked[-1] if run_id != "gone"}


def test_only_unknown_runs_are_read() -> None:
    store = Store()
    runs_of = KnownRuns(store.get_runs)
    assert runs_of(["a", "gone"]) == {"a": a_run("a")}
    assert runs_of(["a", "b"]) == {"a": a_run("a"), "b": a_run("b")}
    assert runs_of(["b", "a"]).keys() == {"a", "b"}
    assert runs_of(["gone"]) == {}
    assert store.asked == [["a", "gone"], ["b"], ["gone"]]


def test_the_runs_used_last_are_kept() -> None:
    store = Store()
    runs_of = KnownRuns(store.get_runs, most=2)
    for run_id in ("a", "b", "a", "c", "a"):
        runs_of([run_id])
    assert store.asked == [["a"], ["b"], ["c"]]
    assert runs_of(["a", "b", "c"]).keys() == {"a", "b", "c"}
    assert store.asked[-1] == ["b"]
