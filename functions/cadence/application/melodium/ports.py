"""What the use cases of Mélodium's API need from the outside. Every write is safe to repeat."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cadence.application.runs.ports import EngineStream
from cadence.domain.access.access import ApiToken


@dataclass(frozen=True)
class FormUpload:
    """A multipart form: `fields` besides its `key`, which begins with `path` and a slash."""

    uri: str
    fields: Mapping[str, str] = field(repr=False)
    path: str


@dataclass(frozen=True)
class PutUpload:
    uri: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class Uploads(Protocol):
    """Where an engine may put what it reports, for as long as its run (bucket `data`, `uploads/`). Made without a network call."""

    def chunks(self, run_id: str, stream: EngineStream) -> FormUpload: ...

    def program(self, run_id: str) -> PutUpload: ...


class RunTokenStore(Protocol):
    def put_run_token(self, token: ApiToken) -> None:
        """Replaces what is there. It is in no list of tokens."""

    def delete_run_token(self, token_id: str) -> None:
        """Deleting what is not there is no error."""


@dataclass(frozen=True)
class WorkerStarting:
    """The worker does not listen yet."""


@dataclass(frozen=True, kw_only=True)
class WorkerReady:
    """Where the worker accepts the asking engine, and the key by which the engine proves itself."""

    run_id: str
    addresses: Sequence[str]
    port: int
    key: str = field(repr=False)
    machine: str = ""  # names the machine and network where the addresses are what they seem


@dataclass(frozen=True)
class WorkerRefused:
    """There will be no worker; the reasons, in words."""

    reasons: Sequence[str]


WorkerAccess = WorkerStarting | WorkerReady | WorkerRefused
