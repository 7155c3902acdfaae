"""Starts the worker that an engine asks for: an ordinary run with one treatment."""

import dataclasses
import hashlib
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from cadence.application.access.ports import Directory
from cadence.application.melodium.record_start import melodium_run, project_for
from cadence.application.melodium.worker_ports import ReportMasks, WorkerSecrets, WorkerSecretStore
from cadence.application.pipelines.run_request import RunRequest
from cadence.application.runs.ports import ReportedStore
from cadence.application.runs.start_run import NO_ANCESTRY, Ancestry, StartRun
from cadence.application.shared.ports import Clock, Documents, PoolStore
from cadence.application.shared.run_ports import RunStore
from cadence.domain.access.access import Principal
from cadence.domain.melodium.certificate import expired
from cadence.domain.melodium.redaction import digest
from cadence.domain.melodium.request import LaunchRequest
from cadence.domain.pipelines import plan
from cadence.domain.placement.engine_placement import candidates
from cadence.domain.runners.engine_worker import worker_treatment
from cadence.domain.runs.run import MAX_DEPTH, Run
from cadence.domain.shared.errors import InvalidRequest, ProviderRejected

PIPELINE = "melodium-worker"
# Beside the time that it works: for a place, a machine, images.
_TO_BEGIN = 1_800
_NO_PULL_SECRET = "{}"  # noqa: S105 - how engines say that there is none
_LONGEST_PULL_SECRETS = 16_384


@dataclass(frozen=True, kw_only=True)
class RequestWorker:
    runs: RunStore
    reported: ReportedStore
    directory: Directory
    pools: PoolStore
    secrets: WorkerSecretStore
    documents: Documents
    start: StartRun
    clock: Clock
    pin: Callable[[LaunchRequest], LaunchRequest]
    masks: ReportMasks

    def request(self, by: Principal, request: LaunchRequest) -> str:
        """The worker's run. The same request, which an engine makes only once, always leads to the same run.

        Raises InvalidRequest, and ProviderRejected if there can be no such worker: then nothing has been started.
        """
        if request.key is None or request.group_id is None:
            raise InvalidRequest("A worker needs the key and the group of the engine that asks for it.")
        if reason := expired(request.version, self.clock()):
            raise ProviderRejected(reason)
        parent = self._parent(by, request.parent_id)
        project = parent.project if parent else project_for(self.directory, by, request.tags)
        fitting = candidates(request, project, self.pools.list_pools(by.organization))
        if not fitting.pools:
            raise ProviderRejected(f"no pool can hold the worker: {'; '.join(fitting.reasons) or 'there is no pool'}")
        pinned = self.pin(request)
        spec = worker_treatment(pinned, request.group_id, fitting.pools)
        ancestry = Ancestry(parent.run_id, None, parent.depth + 1) if parent else NO_ANCESTRY
        run_id = _run_id(by, project, request)
        kept = self.secrets.keep(run_id, WorkerSecrets(str(uuid.uuid4()), request.key, _pull_secrets(request)))
        content = plan.encode([spec])
        frozen = RunRequest(
            organization=by.organization,
            project=project,
            pipeline=PIPELINE,
            document_sha256=self.documents.put(_shown(pinned)),
            plan_sha256=self.documents.put(content),
            max_duration=spec.max_duration + _TO_BEGIN,
        )
        if ancestry.run:
            self.masks.hand_on(ancestry.run, run_id)
        process = melodium_run(run_id, request, self.clock(), supervised=True)
        process = dataclasses.replace(process, known_as=digest(kept.receive_key))
        self.start.start(run_id, frozen, {"kind": "melodium"}, by.name, ancestry, process)
        self.reported.note_start(run_id, request.version, request.tags)
        return run_id

    def _parent(self, by: Principal, parent_id: str | None) -> Run | None:
        """Engines whose runs nobody here has heard of may ask as well. A worker is of its parent's project."""
        parent = self.runs.get_runs([parent_id]).get(parent_id) if parent_id else None
        if parent is None or not by.sees(parent.organization, parent.project):
            return None
        if parent.depth >= MAX_DEPTH:
            raise ProviderRejected(f"workers may ask for workers, but not more than {MAX_DEPTH} deep")
        return parent


def _run_id(by: Principal, project: str, request: LaunchRequest) -> str:
    """The key is random and used once, so it tells requests apart; nobody can guess it from what is made of it."""
    said = json.dumps([by.organization, project, request.group_id, request.parent_id, request.key])
    return str(uuid.UUID(bytes=hashlib.sha256(f"melodium worker {said}".encode()).digest()[:16], version=4))


def _pull_secrets(request: LaunchRequest) -> dict[str, str]:
    containers = (*request.containers, *request.service_containers)
    found = {one.name: one.pull_secret for one in containers if one.pull_secret not in ("", _NO_PULL_SECRET)}
    if sum(map(len, found.values())) > _LONGEST_PULL_SECRETS:
        raise InvalidRequest(f"The pull secrets have together more than {_LONGEST_PULL_SECRETS} characters.")
    return found


def _shown(request: LaunchRequest) -> bytes:
    """The request as others may read it: without its key, pull secrets, and the values of services' variables."""
    said = dataclasses.asdict(dataclasses.replace(request, key=None, containers=(), service_containers=()))
    for name in ("containers", "service_containers"):
        shown = [dataclasses.asdict(one) | {"env": sorted(one.env)} for one in getattr(request, name)]
        said[name] = [{key: value for key, value in one.items() if key != "pull_secret"} for one in shown]
    del said["key"]
    return json.dumps(said, sort_keys=True).encode()
