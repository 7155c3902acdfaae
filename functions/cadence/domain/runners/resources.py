"""The resources that a treatment's command used, over time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, kw_only=True)
class ResourceSample:
    """The resources at one moment.

    CPU time (ms) and the bytes read, written, received and sent count since the start; the rest is the current amount.
    Memory is resident, in bytes; disk is the space that the workspace takes, in bytes. What could not be measured is
    None. `shared_network`: what others on the same machine received and sent is counted as well.
    """

    at: datetime
    cpu_ms: int
    memory: int
    read_bytes: int
    write_bytes: int
    processes: int
    rx_bytes: int | None = None
    tx_bytes: int | None = None
    disk_bytes: int | None = None
    shared_network: bool = False


def encode(samples: Iterable[ResourceSample]) -> list[list[Any]]:
    """Returns each sample as its numbers in the order of the fields; the time in ms since 1970."""
    return [
        [
            (sample.at - _EPOCH) // _MILLISECOND,
            sample.cpu_ms,
            sample.memory,
            sample.read_bytes,
            sample.write_bytes,
            sample.processes,
            sample.rx_bytes,
            sample.tx_bytes,
            sample.disk_bytes,
            int(sample.shared_network),
        ]
        for sample in samples
    ]


def decode(written: Iterable[Sequence[Any]]) -> tuple[ResourceSample, ...]:
    """Returns the samples that `encode` wrote."""
    return tuple(
        ResourceSample(
            at=_EPOCH + time * _MILLISECOND,
            cpu_ms=cpu,
            memory=memory,
            read_bytes=read,
            write_bytes=write,
            processes=processes,
            rx_bytes=rx,
            tx_bytes=tx,
            disk_bytes=disk,
            shared_network=bool(shared),
        )
        for time, cpu, memory, read, write, processes, rx, tx, disk, shared in written
    )


def in_order(samples: Iterable[ResourceSample]) -> Sequence[ResourceSample]:
    """Returns the samples by time, without duplicates."""
    return list({sample.at: sample for sample in sorted(samples, key=lambda sample: sample.at)}.values())


def thinned(samples: Sequence[ResourceSample], most: int) -> Sequence[ResourceSample]:
    """Returns at most `most` (two or more) of the samples, spread over their whole time.

    The first, the last and the one with most memory stay.
    """
    if len(samples) <= most:
        return samples
    step = (len(samples) - 1) / (most - 1)
    indexes = {round(number * step) for number in range(most)}
    peak = max(range(len(samples)), key=lambda index: samples[index].memory)
    nearest = min(indexes - {0, len(samples) - 1}, key=lambda index: abs(index - peak), default=None)
    if nearest is not None and peak not in indexes:
        indexes = (indexes - {nearest}) | {peak}
    return [samples[index] for index in sorted(indexes)]


def peaks(known: Mapping[str, float], samples: Iterable[ResourceSample]) -> Mapping[str, float]:
    """Returns the maximum of each resource over the samples and what is `known`."""
    most = dict(known)
    for sample in samples:
        for name in _PEAKS:
            amount = getattr(sample, name)
            if amount is not None:
                most[name] = max(most.get(name, 0), amount)
    return most


_PEAKS = ("cpu_ms", "memory", "read_bytes", "write_bytes", "processes", "rx_bytes", "tx_bytes", "disk_bytes")
