"""Jobs of Kubernetes, each for one runner, named after it. A reference is the job's name."""

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from cadence.domain.placement.pool import Pool
from cadence.domain.runners.runner import RunnerState
from cadence.domain.shared.errors import Conflict, NotFound, ProviderRejected, Transient
from cadence.providers.bootstrap import BootOptions, variables
from cadence.providers.contract import Check, Credentials, Machine, MachineCondition, ProviderContext, RunnerRequest
from cadence.providers.hidden import Hidden
from cadence.providers.kubernetes import manifests
from cadence.providers.kubernetes.containers import beside
from cadence.providers.kubernetes.dialect import KubernetesDialect
from cadence.providers.kubernetes.probe import KubernetesProbe
from cadence.providers.kubernetes.settings import KubernetesSettings
from cadence.providers.marks import MachineOwner, from_seconds, host_name
from cadence.providers.rest import Rest, RestResponse, quiet_session

_CONSOLE = 16 * 1024
_PAGE = 500
_ENDED = ("Complete", "Failed")


class KubernetesProvider:
    """Implements `Provider` for one pool."""

    first_state = RunnerState.BOOTING
    # A job is over when its container ends, which it does with the agent.
    ends_itself = True

    def __init__(
        self,
        owner: MachineOwner,
        settings: KubernetesSettings,
        rest: Rest,
        hidden: Hidden,
        boot: BootOptions | None = None,
        page: int = _PAGE,
    ) -> None:
        self._owner, self._settings, self._rest, self._hidden = owner, settings, rest, hidden
        self._boot = boot or BootOptions(console=None)
        self._page = page
        self._jobs = f"apis/batch/v1/namespaces/{settings.namespace}/jobs"
        self._core = f"api/v1/namespaces/{settings.namespace}"

    def start(self, request: RunnerRequest) -> str:
        if request.home is None:
            raise ValueError("a job needs the address to call home to")
        self._hidden.add(request.home.one_time_token)
        environment = variables(request.home, request, self._boot)
        parts = beside(self._settings, request, host_name(request.runner_id))
        manifest = manifests.job(self._settings, self._owner, request, environment, parts)
        try:
            job = self._rest.post(self._jobs, manifest)
        except Conflict:
            job = self._adopted(request.runner_id)
        except NotFound as error:
            raise ProviderRejected(error.message) from None
        with suppress(Conflict):  # an earlier start stored the same
            # Created after the job, to which it belongs, so that it never remains alone after a failure in between.
            values = {**parts.secrets, manifests.TOKEN_KEY: request.home.one_time_token}
            self._rest.post(f"{self._core}/secrets", manifests.secret(request, job, values))
        return str(job["metadata"]["name"])

    def describe(self, ref: str) -> Machine:
        job = self._job(ref)
        if job is None:
            return Machine(
                ref=ref, runner_id="" if ref.startswith("cadence-") else ref, condition=MachineCondition.GONE
            )
        machine = self._machine(job)
        if machine.condition is MachineCondition.STARTING:
            return self._machine(job, self._waiting_for(job["metadata"]["name"]))
        return machine

    def stop(self, ref: str) -> None:
        """Deletes the job, which remains in deletion until its pod is gone."""
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Foreground"}
        if self._job(ref) is None:
            return
        try:
            self._rest.call("DELETE", f"{self._jobs}/{_name(ref)}", body=options)
        except NotFound:
            return

    def list_owned(self) -> Sequence[Machine]:
        params = {"labelSelector": f"cadence-owner={self._owner.key}", "limit": self._page}
        try:
            pages = list(self._rest.pages(self._jobs, params=params, following=_following))
        except NotFound as error:  # the list has changed too much since its first page
            raise Transient(error.message) from None
        machines = [self._machine(job) for page in pages for job in page["items"]]
        return [machine for machine in machines if machine.condition is not MachineCondition.GONE]

    def probe(self) -> Sequence[Check]:
        return KubernetesProbe(self._settings, self._rest).checks()

    def console(self, ref: str) -> str | None:
        """Returns the end of the container's log, or why it has not begun."""
        pods = self._pods(_name(ref))
        if not pods:
            return None
        path = f"{self._core}/pods/{pods[0]['metadata']['name']}/log"
        params = {"container": manifests.CONTAINER, "tailLines": 400, "limitBytes": 4 * _CONSOLE}
        try:
            text = str(self._rest.call("GET", path, params=params).body or "")
        except (NotFound, ProviderRejected):  # the container has not begun
            text = ""
        return self._hidden.cut(text or _waiting(pods[0]) or "").encode()[-_CONSOLE:].decode("utf-8", "ignore") or None

    def _adopted(self, runner_id: str) -> Mapping[str, Any]:
        job = self._job(runner_id)
        if job is None or "deletionTimestamp" in job["metadata"]:
            raise Transient(f"Kubernetes: the job of runner {runner_id} is being deleted")
        return job

    def _job(self, ref: str) -> Mapping[str, Any] | None:
        """Returns the job if it belongs to this pool: names do not show that in a namespace that pools share."""
        try:
            job: Mapping[str, Any] = self._rest.get(f"{self._jobs}/{_name(ref)}")
        except NotFound:
            return None
        return job if job["metadata"].get("labels", {}).get("cadence-owner") == self._owner.key else None

    def _pods(self, job: str) -> Sequence[Mapping[str, Any]]:
        pods: Sequence[Mapping[str, Any]] = self._rest.get(f"{self._core}/pods", labelSelector=f"job-name={job}")[
            "items"
        ]
        return pods

    def _waiting_for(self, job: str) -> str | None:
        """Returns what keeps its pod from running, in the words of the scheduler or of the node."""
        return next((text for pod in self._pods(job) if (text := _waiting(pod))), None)

    def _machine(self, job: Mapping[str, Any], waiting: str | None = None) -> Machine:
        metadata, status = job["metadata"], job.get("status", {})
        ended = [
            condition
            for condition in status.get("conditions", ())
            if condition["type"] in _ENDED and condition["status"] == "True"
        ]
        return Machine(
            ref=metadata["name"],
            runner_id=metadata.get("labels", {}).get("cadence-runner", ""),
            condition=_condition(metadata, status, bool(ended)),
            created_at=datetime.fromisoformat(metadata["creationTimestamp"]),
            expires_at=from_seconds(metadata.get("annotations", {}).get("cadence-expires")),
            offer=f"namespace {self._settings.namespace}",
            reason=waiting or next((condition.get("message") or condition.get("reason") for condition in ended), None),
        )


def build(pool: Pool, credentials: Credentials, context: ProviderContext) -> KubernetesProvider:
    """Returns the provider of a pool; implements `Build`. Credentials: `token` of a service account."""
    settings = KubernetesSettings.from_json(pool.settings)
    token = credentials.get("token", "")
    hidden = Hidden([token])
    session = quiet_session()
    if settings.certificate:
        session.verify = _file_of(settings.certificate)
    rest = Rest(
        settings.server,
        KubernetesDialect(),
        lambda: {"Authorization": f"Bearer {token}"},
        hidden=hidden,
        session=session,
    )
    boot = BootOptions.from_json({"console": None, **pool.settings.get("boot", {})})
    owner = MachineOwner(context.installation, pool.organization, pool.name)
    return KubernetesProvider(owner, settings, rest, hidden, boot)


def _condition(metadata: Mapping[str, Any], status: Mapping[str, Any], ended: bool) -> MachineCondition:
    if "deletionTimestamp" in metadata:
        return MachineCondition.STOPPING
    if ended:
        return MachineCondition.GONE
    return MachineCondition.RUNNING if status.get("ready") else MachineCondition.STARTING


def _waiting(pod: Mapping[str, Any]) -> str | None:
    status = pod.get("status", {})
    containers = (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ()))
    states = [(container.get("name", ""), container.get("state", {}).get("waiting")) for container in containers]
    # A container that only waits for others has no message.
    for name, waiting in sorted(
        ((name, state) for name, state in states if state), key=lambda entry: "message" not in entry[1]
    ):
        prefix = f"container {name}: " if name not in ("", manifests.CONTAINER) else ""
        return f"{prefix}{waiting.get('reason', '')}: {waiting.get('message', '')}".strip(": ")
    for condition in status.get("conditions", ()):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return f"{condition.get('reason', '')}: {condition.get('message', '')}".strip(": ")
    return None


def _following(answer: RestResponse, _: int) -> Mapping[str, Any] | None:
    continuation = answer.body["metadata"].get("continue")
    return {"continue": continuation} if continuation else None


def _name(ref: str) -> str:
    return ref if ref.startswith("cadence-") else host_name(ref)


def _file_of(certificate: str) -> str:
    """Returns a file with the authority, since `requests` takes authorities from a file only."""
    with tempfile.NamedTemporaryFile("w", prefix="cadence-authority-", suffix=".pem", delete=False) as file:
        file.write(certificate)
    return str(Path(file.name))
