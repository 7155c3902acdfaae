"""Finds where an input's data comes from at this moment."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from cadence.application.runners.ports import StreamStore
from cadence.application.shared.run_ports import TreatmentStore, ValueStore
from cadence.domain.pipelines.specification import InputSpec
from cadence.domain.runs.edge import Trigger
from cadence.domain.runs.run import Treatment
from cadence.domain.runs.states import TreatmentState
from cadence.domain.shared import ids
from cadence.domain.shared.errors import NotFound
from cadence.domain.values.stream import InputState, StreamEnd
from cadence.domain.values.value_retention import bucket_of

_NOTHING = StreamEnd(size=0, sha256=hashlib.sha256(b"").hexdigest(), chunks=0)
_TRIGGERS = frozenset({Trigger.COMPLETED, Trigger.FAILED, Trigger.FINISHED})


@dataclass(frozen=True, kw_only=True)
class StreamSource:
    """The source of an input: `epoch` is the producer's attempt; `end` is known once `state` is ended.

    Chunks can be downloaded if there is a `prefix`, which, followed by their number, is their key.
    """

    epoch: int
    state: InputState
    producer: str | None = None  # runner id
    prefix: str | None = None
    end: StreamEnd | None = None


@dataclass(frozen=True)
class InputStreams:
    """Finds the producers of inputs and the states of their streams."""

    treatments: TreatmentStore
    values: ValueStore
    streams: StreamStore

    def find(self, run_id: str, wanted: InputSpec) -> StreamSource:
        """Returns an input's source: a block is readable once its producer has succeeded, a stream once it runs."""
        return self._find(run_id, wanted, self.treatments.get_treatment)

    def find_all(self, run_id: str, wanted: Sequence[InputSpec]) -> Mapping[str, StreamSource]:
        """Returns what `find` returns of each input, by port; a producer of several is read once."""
        producer = cache(self.treatments.get_treatment)
        return {one.port: self._find(run_id, one, producer) for one in wanted}

    def _find(self, run_id: str, wanted: InputSpec, producer_of: Callable[[str, str], Treatment]) -> StreamSource:
        if wanted.stored is not None:
            stored_end = StreamEnd(wanted.stored.size, wanted.stored.sha256, wanted.stored.chunks)
            return StreamSource(epoch=1, state=InputState.ENDED, prefix=wanted.stored.prefix, end=stored_end)
        if wanted.source_treatment is None or wanted.source_port is None:
            return StreamSource(epoch=1, state=InputState.ENDED, end=_NOTHING)
        producer = producer_of(run_id, wanted.source_treatment)
        epoch = producer.attempt
        if wanted.source_port in _TRIGGERS:
            # The consumer runs, so the trigger was delivered; there is nothing more to it.
            return StreamSource(epoch=epoch, state=InputState.ENDED, end=_NOTHING)
        runner_id = ids.runner_id(run_id, producer.name, epoch)
        succeeded = producer.state is TreatmentState.SUCCEEDED
        if producer.state.final and not succeeded:
            return StreamSource(epoch=epoch, state=InputState.FAILED, producer=runner_id)
        if not succeeded and (wanted.flow == "block" or producer.state is not TreatmentState.RUNNING):
            return StreamSource(epoch=epoch, state=InputState.OPEN, producer=runner_id)
        if succeeded:
            return self._settled(run_id, wanted.source_treatment, wanted.source_port, runner_id, epoch)
        end = self.streams.get_progress(runner_id, wanted.source_port).end
        prefix = ids.chunk_prefix(run_id, producer.name, epoch, wanted.source_port, bucket_of(producer.retention))
        return StreamSource(
            epoch=epoch, state=InputState.ENDED if end else InputState.OPEN, producer=runner_id, prefix=prefix, end=end
        )

    def _settled(self, run_id: str, treatment: str, port: str, runner_id: str, epoch: int) -> StreamSource:
        """Returns the source by its value: a group has no runner, and a reused value was produced in another run."""
        try:
            value = self.values.get_value(run_id, treatment, port)
        except NotFound:  # void
            return StreamSource(epoch=epoch, state=InputState.ENDED, producer=runner_id, end=_NOTHING)
        end = StreamEnd(value.size, value.sha256, value.chunks)
        return StreamSource(epoch=epoch, state=InputState.ENDED, producer=runner_id, prefix=value.chunk_prefix, end=end)
