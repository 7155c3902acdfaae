"""What the use cases of Mélodium's API need from the outside. Every write is safe to repeat."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from cadence.domain.access import ApiToken, Principal
from cadence.domain.melodium.outcome import Evidence
from cadence.domain.melodium.process import Ended, Reported
from cadence.domain.melodium.request import LaunchRequest
from cadence.domain.run import Run


class Stream(StrEnum):
    """What an engine uploads in chunks."""

    LOGS = "logs"
    DEBUG = "debug"


class ReportedStore(Protocol):
    """What processes say of themselves (table `runs`)."""

    def get(self, run_id: str) -> Reported:
        """One in which nothing is known, if it has said nothing."""

    def evidence(self, run_id: str) -> Evidence:
        """What its reports tell of how it went; nothing, if none has been looked at."""

    def note_lines(self, run_id: str, chunks: int, errors: int, first_error: str) -> None:
        """What was seen in as many chunks of its log. By whoever looks at them, of whom there is one at a time."""

    def note_events(self, run_id: str, chunks: int, failed_steps: Sequence[str], *, over: bool) -> None:
        """What was seen in as many chunks of its events; `over` if they say that nothing is left to do. Likewise."""

    def note_details(self, run_id: str, entrypoint: str, parameters: Mapping[str, str]) -> None:
        """What it executes; the parameters are JSON texts."""

    def entrypoint(self, run_id: str) -> str:
        """`` if it has not said what it executes."""

    def note_start(self, run_id: str, version: str, tags: Iterable[str]) -> None:
        """Adds to the tags; the newest version counts."""

    def note_reporting(self, run_id: str, at: datetime) -> None:
        """The first time counts."""

    def note_launched(self, run_id: str, errors: Sequence[str], at: datetime) -> None:
        """The first word counts."""

    def note_ended(self, run_id: str, how: Ended, messages: Sequence[str], at: datetime) -> None:
        """The first word counts."""

    def count_chunks(self, run_id: str, stream: Stream, chunks: int) -> None:
        """Keeps the largest count."""


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

    def chunks(self, run_id: str, stream: Stream) -> FormUpload: ...

    def program(self, run_id: str) -> PutUpload: ...


class RunTokenStore(Protocol):
    def put_run_token(self, token: ApiToken) -> None:
        """Replaces what is there. It is in no list of tokens."""

    def delete_run_token(self, token_id: str) -> None:
        """Deleting what is not there is no error."""


@dataclass(frozen=True)
class Waiting:
    """The worker does not listen yet."""


@dataclass(frozen=True)
class Listens:
    """Where the worker accepts the asking engine, and the key by which the engine proves itself."""

    run_id: str
    addresses: Sequence[str]
    port: int
    key: str = field(repr=False)
    machine: str = ""  # names the machine and network where the addresses are what they seem


@dataclass(frozen=True)
class Refused:
    """There will be no worker; the reasons, in words."""

    reasons: Sequence[str]


WorkerAccess = Waiting | Listens | Refused


class StartWorker(Protocol):
    def __call__(self, by: Principal, request: LaunchRequest) -> str:
        """The id of the worker's run. Raises CadenceError with the reason why there can be none."""


class Access(Protocol):
    def __call__(self, by: Principal, run: Run) -> WorkerAccess:
        """Waits up to 25 seconds for the worker to listen."""
