"""What happened in an engine, as it is kept: without secrets, short, one JSON array a line.

`Port` is where data comes out or goes in: the treatment's name, which of it (`build`), its host, its label, the port.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cadence.domain.melodium.identifier import text_of

Instance = tuple[int, str, int]
"""Track, treatment, build: what one treatment of a process is known by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedTreatment:
    """A treatment within a process; `host` and `host_build` are None for the one that the engine itself runs."""

    track: int
    treatment: str
    build: int
    host: str | None
    host_build: int | None
    label: str

    @property
    def instance(self) -> Instance:
        return self.track, self.treatment, self.build


@dataclass(frozen=True, slots=True)
class Built:
    at: str
    place: TrackedTreatment
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Started:
    at: str
    place: TrackedTreatment


@dataclass(frozen=True, slots=True)
class Finished:
    at: str
    place: TrackedTreatment


@dataclass(frozen=True, slots=True, kw_only=True)
class SentValues:
    """`content` is what the values are kept as: bytes, or one JSON text a line."""

    at: str
    place: TrackedTreatment
    port: str
    type: str
    count: int
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    at: str
    source: TrackedTreatment
    output: str
    target: TrackedTreatment
    input: str
    count: int


@dataclass(frozen=True, slots=True)
class Closed:
    """Of an output, or of an input."""

    at: str
    place: TrackedTreatment
    port: str
    output: bool


@dataclass(frozen=True, slots=True)
class Track:
    at: str
    track: int
    finished: bool


@dataclass(frozen=True, slots=True)
class ModelsOver:
    at: str


Event = Built | Started | Finished | SentValues | Moved | Closed | Track | ModelsOver


def place_of(body: Mapping[str, Any], track: Any) -> TrackedTreatment:
    """Raises ValueError, TypeError or KeyError for what is none."""
    host = body["host_treatment"]
    host_build = body.get("host_build")
    return TrackedTreatment(
        track=int(track),
        treatment=text_of(body["treatment"]),
        build=int(body["build_id"]),
        host=text_of(host["treatment"]) if isinstance(host, Mapping) else None,
        host_build=int(host_build) if host_build is not None else None,
        label=str(body["label"]),
    )


def place_json(place: TrackedTreatment) -> list[Any]:
    return [place.track, place.treatment, place.build, place.host, place.host_build, place.label]


def place_from(data: Sequence[Any]) -> TrackedTreatment:
    names = (field.name for field in dataclasses.fields(TrackedTreatment))
    return TrackedTreatment(**dict(zip(names, data, strict=True)))
