"""The runs that treatments of kind `trigger` start: their logs are their own, so the outer run's log names them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cadence.cli.client.client import Client
from cadence.cli.client.runs import is_final

_ENDED = frozenset({"succeeded", "failed", "lost", "timed_out", "cancelled", "skipped"})


@dataclass(frozen=True)
class StartedRun:
    """A run and the treatment of the outer run that started it; `state` is the run's when it was found."""

    treatment: str
    run_id: str
    state: str

    def line(self) -> str:
        """Returns what the outer run's log says of it."""
        state = self.state.replace("_", " ") if is_final(self.state) else "started"
        return f"{self.treatment}: run {self.run_id} {state}. Its log: cadence logs {self.run_id}"


class StartedRuns:
    """Finds the runs that the treatments of one run start."""

    def __init__(self, client: Client, run_id: str) -> None:
        self._client = client
        self._run_id = run_id
        self._started: dict[str, str] = {}
        self._settled: set[str] = set()
        """Treatments that start no run (any more), or whose run was returned as ended."""

    def changes(self, treatments: list[Mapping[str, Any]]) -> Iterator[StartedRun]:
        """Yields each run once when it is found, and once more when it or its treatment has ended.

        `treatments` are those of the run, as the API lists them. Only those that began without a pool are asked.
        """
        for treatment in treatments:
            name = treatment["name"]
            if name in self._settled or not treatment["started_at"] or treatment["pool"]:
                continue
            ended = treatment["state"] in _ENDED
            run_id = self._started.get(name)
            if run_id is None:
                details = self._client.treatment(self._run_id, name)
                run_id = details["started_run"] if details["spec"]["kind"] == "trigger" else None
                if run_id is None:
                    if ended or details["spec"]["kind"] != "trigger":
                        self._settled.add(name)
                    continue
                self._started[name] = run_id
                if not ended:
                    yield StartedRun(name, run_id, "running")
            if ended:
                self._settled.add(name)
                yield StartedRun(name, run_id, self._client.run(run_id)["state"])
