"""The model of an engine's process, rebuilt from its events: treatments, their parts, and the values on their ports.

An event identifies a treatment by its track, its own and its host's name and their numbers (`build`); users see it by
the path of labels from the program's entrypoint to it (`main/build/gitClone`). In a further track, the track's number
is appended to the same path (`main/build/gitClone#7`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cadence.domain.melodium.events import (
    Built,
    Closed,
    CountedValues,
    Event,
    Finished,
    Instance,
    ModelsOver,
    Moved,
    SecretUsed,
    SentValues,
    Started,
    Track,
    TrackedTreatment,
)
from cadence.domain.melodium.part_labels import PartLabels
from cadence.domain.melodium.program import NO_PROGRAM, Program
from cadence.domain.melodium.rawvalue import UNKNOWN, more_exact

ROOT = "main"
SELF = "Self"
"""The name by which a program refers to the surrounding treatment; here, the sender of the entrypoint's inputs."""

MOST_ELEMENTS = 20_000
"""Treatments of one process that are recorded; further ones are only counted."""

MOST_SECRET_LINES = 50
"""Uses of secrets that are recorded of one treatment."""

_LIBRARY = "std/"
"""The package of the standard library: as long as a process has not reported its program, its entrypoint is taken to be
none of these treatments."""

PortName = tuple[str, str]


@dataclass(kw_only=True)
class ProgramElement:
    """A treatment of the process. Times are RFC 3339, from the engine. `host` is the element that it is part of."""

    name: str
    treatment: str
    label: str
    track: int
    host: str | None
    build: int = 0
    parameters: Mapping[str, Any] = field(default_factory=dict)
    built_at: str = ""
    started_at: str = ""
    finished_at: str = ""
    parts: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class Output:
    """The values that an element sent through a port so far; `chunks` counts those written before `new`.

    `counted` is how many of them its engine did not report.
    """

    type: str
    count: int = 0
    size: int = 0
    chunks: int = 0
    first_at: str = ""
    last_at: str = ""
    closed: bool = False
    counted: int = 0
    new: list[bytes] = field(default_factory=list)


@dataclass
class Feed:
    """The output that feeds an input, and the number of values that were moved."""

    source: PortName
    count: int = 0


@dataclass(kw_only=True)
class ProgramModel:
    """The model of one process. `changed` elements and `ended` outputs are not stored yet in their current state."""

    run_id: str
    program: Program = NO_PROGRAM
    entrypoint: str = ""
    elements: dict[str, ProgramElement] = field(default_factory=dict)
    outputs: dict[PortName, Output] = field(default_factory=dict)
    feeds: dict[PortName, Feed] = field(default_factory=dict)
    names: dict[Instance, str] = field(default_factory=dict)
    tracks: dict[int, bool] = field(default_factory=dict)
    models_over: bool = False
    left_out: int = 0
    labels: PartLabels = field(default_factory=PartLabels)
    changed: set[str] = field(default_factory=set)
    ended: set[PortName] = field(default_factory=set)

    @property
    def over(self) -> bool:
        """Whether the engine has nothing more to do: no source can begin a track, and all have ended."""
        return self.models_over and all(self.tracks.values())

    def apply(self, event: Event) -> None:
        """Updates the model with the next event, or with those that waited for it."""
        self.labels.learn(self.program, self.entrypoint)
        for each in self.labels.in_order(event):
            self._apply(each)

    def settle(self) -> None:
        """Updates the model with all events that still wait. It can be stored only then."""
        for event in self.labels.release():
            self._apply(event)

    def _apply(self, event: Event) -> None:
        match event:
            case Built():
                self._built(event)
            case Started() | Finished():
                self._timed(event)
            case SentValues():
                self._sent(event)
            case CountedValues():
                self._counted(event)
            case SecretUsed():
                self._secret_used(event)
            case Moved():
                self._moved(event)
            case Closed():
                self._closed(event)
            case Track():
                self._track(event)
            case ModelsOver():
                self.models_over = True

    def learn(self, program: Program) -> None:
        """Sets the program, which may become known only after some of its events."""
        self.program = program
        self.entrypoint = program.entrypoint or self.entrypoint
        self.changed |= set(self.elements)

    def hosts(self, name: str) -> Iterator[ProgramElement]:
        """Yields an element and all elements around it, from the inside out."""
        element = self.elements.get(name)
        while element is not None:
            yield element
            element = self.elements.get(element.host) if element.host else None

    def _built(self, event: Built) -> None:
        name = self._name(event.place)
        if name is None:
            return
        element = self.elements[name]
        element.parameters, element.built_at = event.parameters, element.built_at or event.at
        self.changed.add(name)

    def _timed(self, event: Started | Finished) -> None:
        name = self._name(event.place)
        if name is None:
            return
        if isinstance(event, Started):
            self.elements[name].started_at = event.at
        else:
            self.elements[name].finished_at = event.at
        self._spread(name)

    def _spread(self, name: str) -> None:
        """Updates the times of the hosts of an element, which start and end with their parts."""
        self.changed.add(name)
        for host in list(self.hosts(name))[1:]:
            if host.name == ROOT:
                break
            parts = [self.elements[part] for part in host.parts]
            started = [part.started_at for part in parts if part.started_at]
            working = [part for part in parts if part.started_at and not part.finished_at]
            finished = [part.finished_at for part in parts if part.finished_at]
            host.started_at = min(started, default="")
            host.finished_at = "" if working else max(finished, default="")
            self.changed.add(host.name)

    def _sent(self, event: SentValues) -> None:
        name = self._name(event.place)
        if name is None:
            return
        output = self.outputs.setdefault((name, event.port), Output(type=event.type))
        output.type = more_exact(output.type, event.type)
        output.count += event.count
        output.size += len(event.content)
        output.first_at = output.first_at or event.at
        output.last_at = event.at
        output.new.append(event.content)
        self.changed.add(name)

    def _counted(self, event: CountedValues) -> None:
        name = self._name(event.place)
        if name is None or not event.count:
            return
        output = self.outputs.setdefault((name, event.port), Output(type=UNKNOWN))
        output.count += event.count
        output.counted += event.count
        output.first_at = output.first_at or event.at
        output.last_at = event.at
        self.changed.add(name)

    def _secret_used(self, event: SecretUsed) -> None:
        """Adds a line to the treatment that used a secret, or to the program if the engine does not name the former."""
        track = event.track or 0
        named = [
            element
            for element in self.elements.values()
            if (element.track, element.label, element.treatment) == (track, event.label, event.treatment)
        ]
        element = named[0] if named else self.elements.get(ROOT)
        line = _audit_line(event, in_words=not named)
        if element and line not in element.secrets and len(element.secrets) < MOST_SECRET_LINES:
            element.secrets.append(line)
            self.changed.add(element.name)

    def _moved(self, event: Moved) -> None:
        source, target = self._name(event.source), self._name(event.target)
        if source is None or target is None:
            return
        feed = self.feeds.setdefault((target, event.input), Feed((source, event.output)))
        feed.count += event.count
        self.changed.add(target)

    def _closed(self, event: Closed) -> None:
        name = self._name(event.place)
        if name and event.output:
            self._close((name, event.port))

    def _close(self, port: PortName) -> None:
        """Closes an output. Without all of its values it has none that could be stored."""
        output = self.outputs.get(port)
        if output and not output.closed:
            output.closed = True
            if not output.counted:
                self.ended.add(port)

    def _track(self, event: Track) -> None:
        self.tracks[event.track] = event.finished or self.tracks.get(event.track, False)
        if not event.finished:
            return
        root = self.elements.get(ROOT)
        if root and root.built_at and root.track == event.track:
            root.started_at, root.finished_at = root.built_at, event.at
            self.changed.add(ROOT)
        for port in self.outputs:
            if self.elements[port[0]].track == event.track:
                self._close(port)
        for name, element in self.elements.items():
            if element.track == event.track and not element.parts and not element.finished_at and element.host:
                # A source only begins its track; the engine does not report when it has.
                element.started_at = element.started_at or element.built_at or event.at
                element.finished_at = element.started_at if element.built_at else event.at
                self._spread(name)

    # Names

    def _name(self, place: TrackedTreatment) -> str | None:
        """Returns the element's name, creating the element at its first event; None if there are too many."""
        known = self.names.get(place.instance)
        if known is not None:
            return known
        if len(self.elements) >= MOST_ELEMENTS:
            self.left_out += 1
            return None
        host = self._host(place)
        label = ROOT if host is None else place.label
        return self._add(place.instance, host, label)

    def _host(self, place: TrackedTreatment) -> str | None:
        """Returns the element that this one is part of; None for a worker's entrypoint, which has no host."""
        if place.host is None:
            return None
        build = place.host_build or 0
        instance = (place.track, place.host, build)
        if instance in self.names:
            return self.names[instance]
        if place.host == self.entrypoint or (not self.entrypoint and not place.host.startswith(_LIBRARY)):
            self.entrypoint = self.entrypoint or place.host
            self.names[instance] = self._root()
            return ROOT
        # The engine reports no `Built` event for treatments that contain a source.
        labels = self.program.labels_of(self.entrypoint, place.host)
        label = self.labels.label_of(place) or (labels[build] if build < len(labels) else None)
        return self._add(instance, self._root(), label or place.host.rpartition("::")[2])

    def _root(self) -> str:
        if ROOT not in self.elements:
            self.elements[ROOT] = ProgramElement(name=ROOT, treatment=self.entrypoint, label=ROOT, track=0, host=None)
            self.changed.add(ROOT)
        return ROOT

    def _add(self, instance: Instance, host: str | None, label: str) -> str:
        track, treatment, build = instance
        if host is None and ROOT not in self.elements:
            name = ROOT
            self.entrypoint = self.entrypoint or treatment
        else:
            path = f"{_without_track(host or ROOT)}/{label}" if host else label
            name = path if path not in self.elements else f"{path}#{track}"
            number = 1
            while name in self.elements:
                number += 1
                name = f"{path}#{track}.{number}"
        self.elements[name] = ProgramElement(
            name=name, treatment=treatment, label=label, track=track, host=host, build=build
        )
        self.names[instance] = name
        if host and host != ROOT:  # which every track adds to
            self.elements[host].parts.append(name)
        self.changed.add(name)
        return name


def _audit_line(event: SecretUsed, *, in_words: bool) -> str:
    detail = f" ({event.detail})" if event.detail else ""
    place = f" {event.label or event.treatment}" if in_words else ""
    return f"{event.at} {event.secret} {event.how.replace('_', ' ')}{place}{detail}"


def _without_track(name: str) -> str:
    return name.partition("#")[0]
