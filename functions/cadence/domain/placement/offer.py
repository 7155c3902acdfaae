"""Work offered to the hosts of a pool, and the order in which free slots take it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class RunnerOffer:
    """A runner that waits for a host.

    Runner ids begin with their run's, so the smallest belongs to the oldest run. `engine` is the Mélodium engine that
    the host needs (`cadence.domain.melodium.engines`).
    """

    runner_id: str
    project: str
    priority: int = 0
    engine: str | None = None


def in_fair_order(offers: Iterable[RunnerOffer], running: Mapping[str, int]) -> list[RunnerOffer]:
    """Returns the offers in the order in which they are taken.

    The highest priority comes first, then the project with the fewest `running` (and taken before), then the oldest
    run.
    """
    lanes: dict[tuple[int, str], list[RunnerOffer]] = {}
    for offer in sorted(offers, key=lambda offer: offer.runner_id, reverse=True):
        lanes.setdefault((offer.priority, offer.project), []).append(offer)
    shares = dict(running)
    ordered = []
    while lanes:
        lane = min(lanes, key=lambda key: (-key[0], shares.get(key[1], 0), lanes[key][-1].runner_id))
        ordered.append(lanes[lane].pop())
        shares[lane[1]] = shares.get(lane[1], 0) + 1
        if not lanes[lane]:
            del lanes[lane]
    return ordered
