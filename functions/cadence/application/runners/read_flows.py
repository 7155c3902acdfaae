"""Reads how far the streams of a running treatment have come, and how far their readers are behind."""

from collections.abc import Sequence
from dataclasses import dataclass

from cadence.application.runners.ports import StreamStore
from cadence.application.runs.run_details import RunDetails
from cadence.application.shared.runner_ports import HostStore
from cadence.domain.runs.states import TreatmentState
from cadence.domain.shared import ids
from cadence.domain.shared.errors import NotFound

_MOST_READERS = 100


@dataclass(frozen=True)
class StreamReader:
    """A treatment that reads a stream; `behind` is how many bytes were sent that it does not have yet."""

    treatment: str
    behind: int


@dataclass(frozen=True, kw_only=True)
class OutgoingStream:
    """A stream that a treatment sends: `size` is in bytes, so far if it has not `ended`."""

    port: str
    size: int
    ended: bool
    readers: Sequence[StreamReader]


@dataclass(frozen=True)
class ReadFlows:
    """Reads what flows out of a treatment."""

    streams: StreamStore
    hosts: HostStore

    def read(self, details: RunDetails, treatment: str) -> Sequence[OutgoingStream]:
        """Returns the streams that have begun, of a treatment that runs; else none. Raises NotFound."""
        try:
            context = details.treatment_store.get_context(details.run.run_id, treatment)
        except NotFound:  # before admission only the plan has it
            details.spec(treatment)
            return ()
        spec, stored = context.spec, context.treatment
        if stored.state is not TreatmentState.RUNNING:
            return ()
        runner_id = ids.runner_id(stored.run_id, stored.name, stored.attempt)
        found = []
        for port in [output.port for output in spec.outputs if output.flow == "stream"]:
            progress = self.streams.get_progress(runner_id, port)
            if progress.next_seq:
                readers = () if progress.end else self._readers(runner_id, port, progress.next_seq)
                found.append(
                    OutgoingStream(port=port, size=progress.size, ended=progress.end is not None, readers=readers)
                )
        return found

    def _readers(self, runner_id: str, port: str, sent: int) -> Sequence[StreamReader]:
        """A reader's position is that of its last request: it has that chunk a little later at the most."""
        positions = dict(sorted(self.streams.consumers(runner_id, port).items())[:_MOST_READERS])
        first = min(positions.values(), default=sent)
        chunks = self.streams.list_chunks(runner_id, port, first, sent - first) if first < sent else ()
        return [
            StreamReader(runner.treatment, sum(chunk.size for chunk in chunks if chunk.seq >= positions[consumer]))
            for consumer, runner in self.hosts.get_runners(positions).items()
        ]
