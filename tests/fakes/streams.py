"""The part of `StreamStore` that readers of a stream need, in memory."""

from cadence.domain.stream import StreamProgress


class MemoryStreams:
    def __init__(self) -> None:
        self.progress: dict[tuple[str, str], StreamProgress] = {}

    def get_progress(self, runner_id: str, port: str) -> StreamProgress:
        return self.progress.get((runner_id, port), StreamProgress())
