"""The order of treatments: each after those that it depends on."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.runs.edge import edges_of


def producers_of(specs: Iterable[TreatmentSpec]) -> Mapping[str, Sequence[str]]:
    """Returns what each treatment waits for; a group waits for its instances."""
    listed = list(specs)
    found: dict[str, dict[str, None]] = {}
    for edge in edges_of("", listed):
        found.setdefault(edge.consumer, {})[edge.producer] = None
    for spec in listed:
        if spec.group:
            found.setdefault(spec.group, {})[spec.name] = None
    return {name: tuple(producers) for name, producers in found.items()}


def with_elements(
    producers: Mapping[str, Sequence[str]], groups: Mapping[str, Collection[str]]
) -> Mapping[str, Sequence[str]]:
    """Adds the instances of `each` treatments, which are in no plan: `groups` has their names by that of their group.

    They wait for what their group waits for, and it waits for them.
    """
    found = dict(producers)
    for group, instances in groups.items():
        before = producers.get(group, ())
        found |= dict.fromkeys(instances, before)
        found[group] = (*before, *instances)
    return found


def in_order(names: Collection[str], producers: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yields each name after its producers: by the length of the longest path that leads to it, then by name."""
    everyone = set(names).union(producers, *producers.values())
    waiting = {name: len(producers.get(name, ())) for name in everyone}
    consumers: dict[str, list[str]] = {}
    for name, before in producers.items():
        for producer in before:
            consumers.setdefault(producer, []).append(name)
    layer = sorted(name for name, count in waiting.items() if count == 0)
    while layer:
        yield from (name for name in layer if name in names)
        following = []
        for name in layer:
            for consumer in consumers.get(name, ()):
                waiting[consumer] -= 1
                if waiting[consumer] == 0:
                    following.append(consumer)
        layer = sorted(following)
