"""Tells apart parts of a program that their engine does not name: treatments that contain a source.

Engines report no `Built` event for such a treatment, and number several of one kind in an order that differs from run
to run. The parameters that its own parts were built with show which one it is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cadence.domain.melodium.events import Built, Event, Instance, Moved, SentValues, Started, Track, TrackedTreatment
from cadence.domain.melodium.program import NO_PROGRAM, Program
from cadence.domain.melodium.rawvalue import Keeping, StoredValue
from cadence.domain.melodium.redaction import Masks

Numbered = tuple[str, int]
"""A treatment that contains a source, and its number (`build`)."""

MOST_WAITING = 2_000
_LARGEST_WAITING = 4 * 1024 * 1024
_MASK = "***"


def _unreadable(name: str, content: bytes) -> Mapping[str, Any]:
    raise ValueError(f"{name} is not compared")


_PLAIN = Keeping(Masks(), _unreadable)


@dataclass(kw_only=True)
class PartLabels:
    """The labels that were found (`chosen`), and the events that wait until those of their treatments are.

    `open` has the labels that are still possible. Waiting events are not stored: `release` decides at the latest.
    """

    program: Program = NO_PROGRAM
    entrypoint: str = ""
    chosen: dict[Numbered, str] = field(default_factory=dict)
    open: dict[Numbered, list[str]] = field(default_factory=dict)
    waiting: list[Event] = field(default_factory=list)
    announced: set[Instance] = field(default_factory=set)
    several: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def learn(self, program: Program, entrypoint: str) -> None:
        """Sets the program, and which treatments several parts of its entrypoint are (`several`)."""
        if program is self.program and entrypoint == self.entrypoint:
            return
        self.program, self.entrypoint = program, entrypoint
        labels = {
            part.treatment: program.labels_of(entrypoint, part.treatment)
            for part in program.of(entrypoint).parts.values()
        }
        self.several = {treatment: each for treatment, each in labels.items() if len(each) > 1}

    def in_order(self, event: Event) -> Iterator[Event]:
        """Yields the events that need not wait (any longer), in their order."""
        if not self.several:
            yield event
            return
        places = list(_places(event))
        if isinstance(event, Built) and event.place.treatment in self.several:
            self.announced.add(event.place.instance)
        for place in places:
            self._open(place)
        if not self.open and not self.waiting:
            yield event
            return
        self.waiting.append(event)
        if isinstance(event, Built):
            self._narrow(event)
        # The parts of a treatment are built before any of them sends something.
        heard = not isinstance(event, Built | Started | Track) and any(_host(place) in self.open for place in places)
        if heard or not self.open or self._too_many():
            yield from self.release()

    def release(self) -> Iterator[Event]:
        """Decides what is open by the order of labels, and yields all waiting events."""
        while self.open:
            numbered = min(self.open)
            self._choose(numbered, self.open[numbered][0])
        waiting, self.waiting = self.waiting, []
        yield from waiting

    def label_of(self, place: TrackedTreatment) -> str | None:
        """Returns the label of the treatment that a place is part of, if it was looked for."""
        return self.chosen.get(_host(place)) if place.host else None

    def _open(self, place: TrackedTreatment) -> None:
        numbered = _host(place)
        if numbered[0] not in self.several or numbered in self.chosen or numbered in self.open:
            return
        if (place.track, *numbered) in self.announced:
            return
        taken = {label for (treatment, _), label in self.chosen.items() if treatment == numbered[0]}
        left = [label for label in self.several[numbered[0]] if label not in taken]
        if left:
            self.open[numbered] = left
            self._settle(numbered)

    def _narrow(self, event: Built) -> None:
        numbered = _host(event.place)
        if numbered in self.open:
            possible = [label for label in self.open[numbered] if self._fits(label, event)]
            self.open[numbered] = possible or self.open[numbered]
            self._settle(numbered)

    def _settle(self, numbered: Numbered) -> None:
        if len(self.open[numbered]) == 1:
            self._choose(numbered, self.open[numbered][0])

    def _choose(self, numbered: Numbered, label: str) -> None:
        """Sets a label, which is not possible for any other number of the treatment then."""
        self.chosen[numbered] = label
        del self.open[numbered]
        for other in [other for other in self.open if other[0] == numbered[0]]:
            if other in self.open and label in self.open[other] and len(self.open[other]) > 1:
                self.open[other].remove(label)
                self._settle(other)

    def _fits(self, label: str, event: Built) -> bool:
        """Whether a part can have been built so if its host is the one with this label."""
        host = self.program.of(self.entrypoint).parts[label]
        part = self.program.of(_host(event.place)[0]).parts.get(event.place.label)
        for name, given in part.parameters.items() if part else ():
            expected = _stored(host.parameters.get(str(given.get("variable")), {}).get("raw"))
            actual = event.parameters.get(name, {})
            if expected is None or "value" not in actual:
                continue
            if expected.value != actual["value"] and _MASK not in f"{expected.value}{actual['value']}":
                return False
        return True

    def _too_many(self) -> bool:
        size = sum(len(event.content) for event in self.waiting if isinstance(event, SentValues))
        return len(self.waiting) >= MOST_WAITING or size > _LARGEST_WAITING


def _stored(raw: Any) -> StoredValue | None:
    """Returns a value of a program's design as events report it; None for what is computed, or no plain value."""
    try:
        return _PLAIN.keep(raw)
    except (ValueError, TypeError, KeyError):
        return None


def _host(place: TrackedTreatment) -> Numbered:
    return place.host or "", place.host_build or 0


def _places(event: Event) -> Iterator[TrackedTreatment]:
    if isinstance(event, Moved):
        yield from (event.source, event.target)
    else:
        place = getattr(event, "place", None)
        if place is not None:
            yield place
