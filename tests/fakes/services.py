"""The other ports of scheduling, in memory."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cadence.application.pipelines.run_request import RunRequest
from cadence.application.shared.secret_ports import Secret, SecretDescription
from cadence.application.shared.secret_sources import ReadSecretSources
from cadence.application.values.storage import RemovedObjects
from cadence.domain.access.secret_source import SourcePrefixes
from cadence.domain.pipelines.image import Image
from cadence.domain.pipelines.registry_login import RegistryLogin
from cadence.domain.pipelines.specification import InputSpec, TreatmentKind
from cadence.domain.placement.pool import Pool
from cadence.domain.runs.run import Run
from cadence.domain.scheduling.machine_step import MachineStep
from cadence.domain.shared import ids
from cadence.domain.shared.errors import CadenceError, NotFound, ProviderRejected, Transient
from cadence.domain.values.storage import StorageUse


@dataclass
class ManualClock:
    """Stands still until it is moved."""

    now: datetime = datetime(2030, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


Answer = Mapping[str, Any] | CadenceError


@dataclass
class MemoryMachines:
    """Keeps what it was told: executions started (once per name) and the first answer of each token."""

    runs: dict[str, int] = field(default_factory=dict)
    treatments: list[tuple[str, str]] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)
    steps: dict[str, MachineStep] = field(default_factory=dict)  # those answers that `proceed` gave
    kept: list[tuple[str, str, datetime]] = field(default_factory=list)  # runner, token, when

    def start_run(self, run_id: str, deadline_seconds: int, execution: int = 1) -> None:
        self.runs.setdefault(ids.run_execution(run_id, execution), deadline_seconds)

    def start_treatment(self, run_id: str, treatment: str, kind: TreatmentKind = TreatmentKind.COMMAND) -> None:
        if (run_id, treatment) not in self.treatments:
            self.treatments.append((run_id, treatment))

    def keep(self, runner_id: str, task_token: str, at: datetime) -> str:
        self.kept.append((runner_id, task_token, at))
        return task_token

    def fail_kept(self, runner_id: str, until: datetime, error: CadenceError) -> None:
        for owner, token, at in self.kept:
            if owner == runner_id and at <= until:
                self.fail(token, error)

    def succeed(self, task_token: str, output: Mapping[str, Any]) -> None:
        self.answers.setdefault(task_token, output)

    def proceed(self, task_token: str, step: MachineStep) -> None:
        if task_token not in self.answers:
            self.answers[task_token], self.steps[task_token] = step.as_json(), step

    def fail(self, task_token: str, error: CadenceError) -> None:
        self.answers.setdefault(task_token, error)


@dataclass
class MemoryRegistries:
    """Digests by image. `asked` holds every image asked for; what is not known is refused. `down`: no answers."""

    digests: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    logins: dict[str, RegistryLogin | None] = field(default_factory=dict)
    down: bool = False

    def digest(self, image: Image, login: RegistryLogin | None = None) -> str:
        self.asked.append(str(image))
        self.logins[str(image)] = login
        if self.down:
            raise Transient("The registry does not answer.")
        if str(image) not in self.digests:
            raise ProviderRejected(f"The image {image} cannot be had: 404: manifest unknown.")
        return self.digests[str(image)]


@dataclass
class MemorySecretReader:
    """Values by name, the same for all projects; each is of version 1."""

    values: dict[str, str] = field(default_factory=dict)
    bound: dict[str, str] = field(default_factory=dict)

    def decrypt(self, organization: str, project: str, wanted: Mapping[str, int | None]) -> Mapping[str, Secret]:
        return {
            name: Secret(value=self.values[name], version=1, bound_to=self._bound_to(name))
            for name in wanted
            if name in self.values
        }

    def shared(self, organization: str) -> Sequence[SecretDescription]:
        return []

    def _bound_to(self, name: str) -> frozenset[str]:
        return frozenset({self.bound[name]} if name in self.bound else ())


def no_sources() -> ReadSecretSources:
    """For secrets that all have values: nothing can be read elsewhere."""
    return ReadSecretSources({}, MemorySecretReader(), SourcePrefixes())


@dataclass
class MemoryDocuments:
    contents: dict[str, bytes] = field(default_factory=dict)

    def put(self, content: bytes) -> str:
        sha256 = hashlib.sha256(content).hexdigest()
        self.contents[sha256] = content
        return sha256

    def get(self, sha256: str) -> bytes:
        try:
            return self.contents[sha256]
        except KeyError:
            raise NotFound(f"document {sha256} is not kept") from None


@dataclass
class MemoryDeadlines:
    """Wake-ups asked for, in order."""

    runs: list[tuple[str, timedelta]] = field(default_factory=list)
    admitted_runs: list[tuple[str, timedelta]] = field(default_factory=list)
    runners: list[tuple[str, timedelta]] = field(default_factory=list)
    concurrency_limits: list[tuple[str, timedelta]] = field(default_factory=list)
    approvals: list[tuple[str, str, timedelta]] = field(default_factory=list)
    values: list[tuple[str, str | None]] = field(default_factory=list)
    late_values: list[tuple[str, timedelta]] = field(default_factory=list)

    def watch_run(self, run_id: str, after: timedelta, *, admitted: bool = False) -> None:
        self.runs.append((run_id, after))
        if admitted:
            self.admitted_runs.append((run_id, after))

    def watch_runner(self, runner_id: str, after: timedelta, task_token: str | None = None) -> None:
        self.runners.append((runner_id, after))

    def watch_concurrency_limit(self, scope: str, after: timedelta) -> None:
        self.concurrency_limits.append((scope, after))

    def watch_approval(self, run_id: str, treatment: str, after: timedelta) -> None:
        self.approvals.append((run_id, treatment, after))

    def watch_values(self, run_id: str, treatment: str | None, after: timedelta) -> None:
        self.values.append((run_id, treatment))

    def watch_late_values(self, run_id: str, after: timedelta) -> None:
        self.late_values.append((run_id, after))


@dataclass
class MemoryWakeUps:
    """Wake-ups asked for, in order: run, group, whether an instance failed."""

    asked: list[tuple[str, str, bool]] = field(default_factory=list)

    def wake(self, run_id: str, group: str, *, failed: bool = False) -> None:
        self.asked.append((run_id, group, failed))


@dataclass
class MemoryChunks:
    contents: dict[str, bytes] = field(default_factory=dict)

    def read(self, key: str, offset: int, length: int) -> bytes:
        return self._content(key)[offset : offset + length]

    def read_whole(self, keys: Sequence[str]) -> Iterator[bytes]:
        return (self._content(key) for key in keys)

    def write(self, key: str, content: bytes) -> None:
        self.contents[key] = content

    def exists(self, key: str) -> bool:
        return key in self.contents

    def sizes(self, prefix: str) -> Iterator[int]:
        number = 0
        while (key := f"{prefix}{number:012}") in self.contents:
            yield len(self.contents[key])
            number += 1

    def remove_values(self, prefix: str) -> RemovedObjects:
        found = [key for key in self.contents if key.startswith(prefix)]
        size = sum(len(self.contents.pop(key)) for key in found)
        return RemovedObjects(len(found), {"2026-01-01": size})

    def _content(self, key: str) -> bytes:
        try:
            return self.contents[key]
        except KeyError:
            raise NotFound(f"{key} is not kept") from None


@dataclass
class MemoryStorageLedger:
    uses: dict[tuple[str, str], StorageUse] = field(default_factory=dict)
    reads: int = 0

    def read(self, organization: str, project: str) -> StorageUse:
        self.reads += 1
        return self.uses.get((organization, project), StorageUse({}))

    def add(self, organization: str, project: str, day: str, size: int) -> int:
        use = self.uses.get((organization, project), StorageUse({}))
        after = use.days.get(day, 0) + size
        self.uses[organization, project] = StorageUse({**use.days, day: after}, use.own_limit)
        return after

    def put_limit(self, organization: str, project: str, limit: int | None) -> None:
        use = self.uses.get((organization, project), StorageUse({}))
        self.uses[organization, project] = StorageUse(use.days, limit)


@dataclass
class MemoryPools:
    pools: Sequence[Pool] = ()

    def get_pool(self, organization: str, name: str) -> Pool:
        for pool in self.list_pools(organization):
            if pool.name == name:
                return pool
        raise NotFound(f"there is no pool {name}")

    def list_pools(self, organization: str) -> Sequence[Pool]:
        return [pool for pool in self.pools if pool.organization == organization]


@dataclass
class MemoryLogStream:
    needs: int = 0

    def needed(self) -> None:
        self.needs += 1


def no_pipeline(organization: str, project: str, name: str, given: Mapping[str, Any]) -> RunRequest:
    """Stands for a project without stored pipelines."""
    raise NotFound(f"There is no pipeline {name!r}.")


def no_document(run_id: str, parent: Run, document: InputSpec, parameters: Mapping[str, Any]) -> RunRequest:
    """Stands for a run whose treatments send no documents."""
    raise NotFound(f"Nothing came through {document.port!r}.")


class PlainIdTokens:
    """Implements `IdTokenSigner` without a key: the token is the claims as JSON."""

    def sign(self, claims: Mapping[str, Any], at: datetime) -> str:
        return json.dumps(claims)
