"""Where an input's data comes from at this moment."""

import hashlib
from dataclasses import dataclass

from cadence.application.ports import RunStore
from cadence.application.runner_ports import StreamStore
from cadence.domain import ids
from cadence.domain.run import InputSpec, TreatmentState, Trigger
from cadence.domain.stream import InputState, StreamEnd

_NOTHING = StreamEnd(size=0, sha256=hashlib.sha256(b"").hexdigest(), chunks=0)
_TRIGGERS = frozenset({Trigger.COMPLETED, Trigger.FAILED, Trigger.FINISHED})


@dataclass(frozen=True)
class Source:
    """`epoch` is the producer's attempt; `readable`: chunks may be asked for; `end` is known once `state` is ended."""

    epoch: int
    state: InputState
    producer: str | None = None  # runner id
    readable: bool = False
    end: StreamEnd | None = None


@dataclass(frozen=True)
class InputStreams:
    runs: RunStore
    streams: StreamStore

    def __call__(self, run_id: str, wanted: InputSpec) -> Source:
        """A block is readable once its producer has succeeded, a stream as soon as its producer runs."""
        if wanted.source_treatment is None or wanted.source_port is None:
            return Source(1, InputState.ENDED, end=_NOTHING)
        producer = self.runs.get_treatment(run_id, wanted.source_treatment)
        epoch = producer.attempt
        if wanted.source_port in _TRIGGERS:
            # The consumer runs, so the trigger was delivered; there is nothing more to it.
            return Source(epoch, InputState.ENDED, end=_NOTHING)
        runner_id = ids.runner_id(run_id, producer.name, epoch)
        succeeded = producer.state is TreatmentState.SUCCEEDED
        if producer.state.final and not succeeded:
            return Source(epoch, InputState.FAILED, runner_id)
        if not succeeded and (wanted.flow == "block" or producer.state is not TreatmentState.RUNNING):
            return Source(epoch, InputState.OPEN, runner_id)
        end = self.streams.get_progress(runner_id, wanted.source_port).end
        if end is None and succeeded and wanted.type == "void":
            end = _NOTHING
        return Source(epoch, InputState.ENDED if end else InputState.OPEN, runner_id, readable=True, end=end)
