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
# Seconds beside the working time: for placement, a machine, images.
_TO_BEGIN = 1_800
_NO_PULL_SECRET = "{}"  # noqa: S105 - what engines send if there is none
_LONGEST_PULL_SECRETS = 16_384


@dataclass(frozen=True, kw_only=True)
class RequestWorker:
    """Starts workers for engines."""

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
        """Starts the worker and returns its run's id; the same request always leads to the same run.

        Raises InvalidRequest, and ProviderRejected if there can be no such worker; nothing has been started then.
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
        stored = self.secrets.keep(run_id, WorkerSecrets(str(uuid.uuid4()), request.key, _pull_secrets(request)))
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
        process = dataclasses.replace(process, known_as=digest(stored.receive_key))
        self.start.start(run_id, frozen, {"kind": "melodium"}, by.author, ancestry, process)
        self.reported.note_start(run_id, request.version, request.tags)
        return run_id

    def _parent(self, by: Principal, parent_id: str | None) -> Run | None:
        """Returns the parent's run, whose project the worker belongs to; None if the engine's run is unknown here.

        Raises ProviderRejected if workers are nested too deeply.
        """
        parent = self.runs.get_runs([parent_id]).get(parent_id) if parent_id else None
        if parent is None or not by.sees(parent.organization, parent.project):
            return None
        if parent.depth >= MAX_DEPTH:
            raise ProviderRejected(f"workers may start workers, but are nested at most {MAX_DEPTH} deep")
        return parent


def _run_id(by: Principal, project: str, request: LaunchRequest) -> str:
    """Derives the id from the request's key, which is random and used once, and which cannot be guessed from the id."""
    identity = json.dumps([by.organization, project, request.group_id, request.parent_id, request.key])
    return str(uuid.UUID(bytes=hashlib.sha256(f"melodium worker {identity}".encode()).digest()[:16], version=4))


def _pull_secrets(request: LaunchRequest) -> dict[str, str]:
    containers = (*request.containers, *request.service_containers)
    secrets = {each.name: each.pull_secret for each in containers if each.pull_secret not in ("", _NO_PULL_SECRET)}
    if sum(map(len, secrets.values())) > _LONGEST_PULL_SECRETS:
        raise InvalidRequest(f"The pull secrets have together more than {_LONGEST_PULL_SECRETS} characters.")
    return secrets


def _shown(request: LaunchRequest) -> bytes:
    """Returns the request for other readers: without its key, pull secrets, and the values of services' variables."""
    document = dataclasses.asdict(dataclasses.replace(request, key=None, containers=(), service_containers=()))
    for name in ("containers", "service_containers"):
        shown = [dataclasses.asdict(each) | {"env": sorted(each.env)} for each in getattr(request, name)]
        document[name] = [{key: value for key, value in each.items() if key != "pull_secret"} for each in shown]
    del document["key"]
    return json.dumps(document, sort_keys=True).encode()
