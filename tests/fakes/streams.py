"""The part of `StreamStore` that readers of a stream need, and samples, in memory."""

from collections import defaultdict
from collections.abc import Sequence

from cadence.domain.runners.resources import ResourceSample, in_order
from cadence.domain.values.stream import StreamProgress


class MemoryStreams:
    def __init__(self) -> None:
        self.progress: dict[tuple[str, str], StreamProgress] = {}

    def get_progress(self, runner_id: str, port: str) -> StreamProgress:
        return self.progress.get((runner_id, port), StreamProgress())


class MemorySamples:
    def __init__(self) -> None:
        self.told: defaultdict[str, list[ResourceSample]] = defaultdict(list)

    def add(self, runner_id: str, samples: Sequence[ResourceSample]) -> None:
        self.told[runner_id] += samples

    def list_samples(self, runner_id: str) -> Sequence[ResourceSample]:
        return in_order(self.told[runner_id])
