"""What the use cases for runners and hosts need from the outside, beside `ports.py`. Every write is safe to repeat."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from cadence.application.shared.value_ports import StreamStates
from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.runners.resources import ResourceSample
from cadence.domain.runners.runner import Runner, RunnerResult
from cadence.domain.runs.run import Run
from cadence.domain.values.stream import Chunk, StreamEnd, StreamProgress


class StreamStore(StreamStates, Protocol):
    """The chunks of runners' outputs and the positions of their consumers (table `runners`)."""

    def commit(
        self, runner_id: str, port: str, seen: StreamProgress, chunks: Sequence[Chunk], end: StreamEnd | None
    ) -> StreamProgress:
        """Adds `chunks` after those in `seen`, and the end. Raises Conflict if others committed since."""

    def list_chunks(self, runner_id: str, port: str, from_seq: int, limit: int) -> Sequence[Chunk]:
        """Committed chunks from `from_seq` on, at most `limit`."""

    def note_consumer(self, runner_id: str, port: str, consumer_id: str, next_seq: int) -> None:
        """Where a consumer stands in the stream."""

    def remove_consumer(self, runner_id: str, port: str, consumer_id: str) -> None: ...

    def consumers(self, runner_id: str, port: str) -> Mapping[str, int]:
        """Next chunk of each attached consumer, by its runner id."""


class SampleStore(Protocol):
    """What runners' commands used over time, but for what their results tell (table `runners`)."""

    def add(self, runner_id: str, samples: Sequence[ResourceSample]) -> None:
        """Adding the same again changes nothing."""

    def list_samples(self, runner_id: str) -> Sequence[ResourceSample]:
        """In order of their time."""


class RunnerResults(Protocol):
    def complete(self, runner_id: str, result: RunnerResult) -> Runner:
        """Keeps the result once and returns the runner as it then stands. A second, equal result is accepted; another raises Conflict."""


EngineSecrets = Callable[[Run, TreatmentSpec, int, Sequence[str]], Mapping[str, Any]]
"""What the runner of an attempt is told of its engine beside the specification, as `engine.secrets` of its assignment. Never logged.
The last are the values of its treatment's secrets."""
