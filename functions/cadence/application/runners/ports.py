"""Ports of the use cases for runners and hosts, beside those in `shared/`. Every write is safe to repeat."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
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
        """Adds `chunks` after those in `seen`, and the end. Raises Conflict if another request committed since."""

    def list_chunks(self, runner_id: str, port: str, from_seq: int, limit: int) -> Sequence[Chunk]:
        """Returns committed chunks from `from_seq` on, at most `limit`."""

    def note_consumer(self, runner_id: str, port: str, consumer_id: str, next_seq: int) -> None:
        """Stores the next chunk that a consumer needs, and attaches it."""

    def remove_consumer(self, runner_id: str, port: str, consumer_id: str) -> None: ...

    def consumers(self, runner_id: str, port: str) -> Mapping[str, int]:
        """Returns the next chunk of each attached consumer, by its runner id."""


class SampleStore(Protocol):
    """The resources that runners' commands used over time, without the last samples, which are in their results.

    They are in table `runners`.
    """

    def add(self, runner_id: str, samples: Sequence[ResourceSample]) -> None:
        """Adds samples; adding the same again changes nothing."""

    def list_samples(self, runner_id: str) -> Sequence[ResourceSample]:
        """Returns samples in order of their time."""


class RunnerResults(Protocol):
    """Stores the results of runners (table `runners`)."""

    def complete(self, runner_id: str, result: RunnerResult) -> Runner:
        """Stores the result once and returns the runner as it then is; an equal result is accepted again.

        Raises Conflict for another result, and Gone if the runner was lost.
        """

    def complete_session(self, runner_id: str, session_hash: str, result: RunnerResult) -> Runner | None:
        """Stores the result of a claimed runner whose session has this hash, and returns the runner as it then is.

        Returns None, and writes nothing, if there is no such runner, or it has a result already.
        """


EngineSecrets = Callable[[Run, TreatmentSpec, int, Sequence[str]], Mapping[str, Any]]
"""Returns `engine.secrets` of the assignment for an attempt, which are never logged.

The last argument are the values of the treatment's secrets.
"""


class IdTokenSigner(Protocol):
    """Signs identity tokens of treatments (`cadence.domain.runners.id_token`)."""

    def sign(self, claims: Mapping[str, Any], at: datetime) -> str:
        """Returns the claims as a signed JSON Web Token. Raises Transient."""
