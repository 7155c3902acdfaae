"""Gives a consumer the next chunks of one of its inputs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from cadence.application.runners.input_streams import InputStreams, StreamSource
from cadence.application.runners.ports import StreamStore
from cadence.application.shared.runner_ports import Specs
from cadence.application.shared.value_ports import DataUrls
from cadence.domain.pipelines.specification import InputSpec, TreatmentSpec
from cadence.domain.runners.runner import Runner
from cadence.domain.shared.errors import NotFound
from cadence.domain.values.stream import WINDOW, InputState, StreamEnd

# Half the window, so that the consumer reports its position before its producer has to wait for it.
DOWNLOADS = WINDOW // 2
_WAIT_FOR_PRODUCER = 0.25  # seconds
# Inputs whose first chunks go with an assignment; the agent asks for those of the others.
_MOST_ASSIGNED = 32


@dataclass(frozen=True)
class ChunkUrl:
    """The presigned URL of a chunk; `seq` counts from 0. An upload has to send `headers`."""

    seq: int
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class InputAnswer:
    """The state of an input and the URLs of its next chunks (`downloads`); `retry_after` is in seconds.

    The URL of a chunk that was not uploaded yet answers 404 until it is.
    """

    epoch: int
    state: InputState
    end: StreamEnd | None
    downloads: Sequence[ChunkUrl]
    retry_after: float


FirstChunks = Callable[[str, TreatmentSpec], Mapping[str, InputAnswer]]
"""Implemented by `ReadInput.first_chunks`."""


@dataclass(frozen=True)
class ReadInput:
    """Reads an input of a runner."""

    specs: Specs
    streams: StreamStore
    sources: InputStreams
    urls: DataUrls

    def read(self, runner: Runner, port: str, epoch: int, next_seq: int, done: bool = False) -> InputAnswer:
        """Returns the chunks from `next_seq` on, which counts in `epoch`; from 0 on if the producer has begun anew.

        The call attaches the consumer, so that the producer does not run ahead of it; `done` detaches it.
        Raises NotFound if the treatment has no such input.
        """
        requested = self._declared(runner, port)
        source = self.sources.find(runner.run_id, requested)
        position = next_seq if epoch == source.epoch else 0
        downloads = self._downloads(runner, requested, source, position) if source.prefix and not done else ()
        if done:
            self._detach(runner, requested, source)
        waits = source.state is InputState.OPEN and not downloads
        return InputAnswer(
            epoch=source.epoch,
            state=source.state,
            end=source.end,
            downloads=downloads,
            retry_after=_WAIT_FOR_PRODUCER if waits else 0.0,
        )

    def first_chunks(self, run_id: str, spec: TreatmentSpec) -> Mapping[str, InputAnswer]:
        """Returns the first chunks of the inputs whose producers have ended or are writing a stream, by port.

        Nothing is written: a producer is held back by the consumer from its first request on. Inputs whose content is
        in the document, that nothing feeds, or whose producer has not begun are left out.
        """
        answers = {}
        requested = [port for port in spec.inputs if port.source_treatment or port.stored][:_MOST_ASSIGNED]
        for port, source in self.sources.find_all(run_id, requested).items():
            ended = source.state is InputState.ENDED and source.end is not None
            if ended or (source.state is InputState.OPEN and source.prefix):
                known = DOWNLOADS if source.end is None else min(DOWNLOADS, source.end.chunks)
                downloads = [
                    ChunkUrl(seq, self.urls.download(f"{source.prefix}{seq:012}"))
                    for seq in range(known if source.prefix else 0)
                ]
                answers[port] = InputAnswer(
                    epoch=source.epoch, state=source.state, end=source.end, downloads=downloads, retry_after=0.0
                )
        return answers

    def _downloads(
        self, runner: Runner, requested: InputSpec, source: StreamSource, position: int
    ) -> Sequence[ChunkUrl]:
        last = position + DOWNLOADS
        if source.end is None:
            assert source.producer
            assert requested.source_port
            self.streams.note_consumer(source.producer, requested.source_port, runner.runner_id, position)
        else:
            last = min(last, source.end.chunks)
        return [ChunkUrl(seq, self.urls.download(f"{source.prefix}{seq:012}")) for seq in range(position, last)]

    def _detach(self, runner: Runner, requested: InputSpec, source: StreamSource) -> None:
        if source.producer and requested.source_port:
            self.streams.remove_consumer(source.producer, requested.source_port, runner.runner_id)

    def _declared(self, runner: Runner, port: str) -> InputSpec:
        spec = self.specs(runner.run_id, runner.treatment)
        for declared in spec.inputs:
            if declared.port == port:
                return declared
        raise NotFound(f"{runner.treatment} has no input {port}.")
