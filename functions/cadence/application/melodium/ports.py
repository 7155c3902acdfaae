"""Ports of the use cases of Mélodium's API. Every write is safe to repeat."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cadence.application.runs.ports import EngineStream
from cadence.domain.access.access import ApiToken


@dataclass(frozen=True)
class FormUpload:
    """A multipart form to upload with: its `fields` besides `key`, which begins with `path` and a slash."""

    uri: str
    fields: Mapping[str, str] = field(repr=False)
    path: str


@dataclass(frozen=True)
class PutUpload:
    """A presigned PUT request to upload with."""

    uri: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class Uploads(Protocol):
    """Makes upload destinations for an engine's reports, valid as long as its run (bucket `data`, `uploads/`).

    No network call is made.
    """

    def chunks(self, run_id: str, stream: EngineStream) -> FormUpload: ...

    def program(self, run_id: str) -> PutUpload: ...


class RunTokenStore(Protocol):
    """Stores the API tokens of runs, which are in no list of tokens."""

    def put_run_token(self, token: ApiToken) -> None:
        """Stores a token in place of an earlier one with the same id."""

    def delete_run_token(self, token_id: str) -> None:
        """Deletes a token; a missing one is no error."""


@dataclass(frozen=True)
class WorkerStarting:
    """The worker does not listen yet."""


@dataclass(frozen=True, kw_only=True)
class WorkerReady:
    """The address at which the worker accepts the asking engine, and the key by which the engine proves itself."""

    run_id: str
    addresses: Sequence[str]
    port: int
    key: str = field(repr=False)
    machine: str = ""  # names the machine and network where the addresses are what they seem


@dataclass(frozen=True)
class WorkerRefused:
    """The answer that there will be no worker, with the reasons in words."""

    reasons: Sequence[str]


WorkerAccess = WorkerStarting | WorkerReady | WorkerRefused
