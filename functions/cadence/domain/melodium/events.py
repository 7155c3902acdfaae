"""Events of an engine in their stored form: without secrets, short, one JSON array a line."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cadence.domain.melodium.identifier import text_of

Instance = tuple[int, str, int]
"""Track, treatment, build: the key of one treatment of a process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedTreatment:
    """A treatment within a process.

    `build` numbers the instances of a treatment. `host` and `host_build` are None for the treatment that the engine
    runs directly.
    """

    track: int
    treatment: str
    build: int
    host: str | None
    host_build: int | None
    label: str

    @property
    def instance(self) -> Instance:
        """The key of this treatment."""
        return self.track, self.treatment, self.build


@dataclass(frozen=True, slots=True)
class Built:
    """A treatment was instantiated with its parameters."""

    at: str
    place: TrackedTreatment
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Started:
    """A treatment started."""

    at: str
    place: TrackedTreatment


@dataclass(frozen=True, slots=True)
class Finished:
    """A treatment finished."""

    at: str
    place: TrackedTreatment


@dataclass(frozen=True, slots=True, kw_only=True)
class SentValues:
    """A treatment sent values. `content` is their stored form: bytes, or one JSON text a line."""

    at: str
    place: TrackedTreatment
    port: str
    type: str
    count: int
    content: bytes


@dataclass(frozen=True, slots=True)
class CountedValues:
    """A treatment sent `count` values, which its engine does not report."""

    at: str
    place: TrackedTreatment
    port: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretUsed:
    """A treatment used a secret, or was refused it (`how`: `revealed`, `transmitted`, `denied`, `resolve_failed`).

    `treatment` is its identifier; `label` and `track` are None if the engine does not know which one it was. `detail`
    says how the secret was transmitted, or why it was refused.
    """

    at: str
    secret: str
    how: str
    treatment: str
    label: str | None
    track: int | None
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Values moved from an output to an input."""

    at: str
    source: TrackedTreatment
    output: str
    target: TrackedTreatment
    input: str
    count: int


@dataclass(frozen=True, slots=True)
class Closed:
    """An output (`output`), or an input, of a treatment was closed."""

    at: str
    place: TrackedTreatment
    port: str
    output: bool


@dataclass(frozen=True, slots=True)
class Track:
    """A track began, or ended if `finished`."""

    at: str
    track: int
    finished: bool


@dataclass(frozen=True, slots=True)
class ModelsOver:
    """All models of the process ended, so that no further track can begin."""

    at: str


Event = Built | Started | Finished | SentValues | CountedValues | SecretUsed | Moved | Closed | Track | ModelsOver


def place_of(body: Mapping[str, Any], track: Any) -> TrackedTreatment:
    """Returns the treatment that an engine's event is about.

    Raises ValueError, TypeError or KeyError if the body does not name one.
    """
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
    """Returns the stored form of a treatment."""
    return [place.track, place.treatment, place.build, place.host, place.host_build, place.label]


def place_from(data: Sequence[Any]) -> TrackedTreatment:
    """Returns the treatment from the result of `place_json`."""
    names = (field.name for field in dataclasses.fields(TrackedTreatment))
    return TrackedTreatment(**dict(zip(names, data, strict=True)))
