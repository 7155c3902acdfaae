"""Runners as jobs of the Kubernetes cluster that the host agent is in; they continue without the agent.

So a cluster that cannot be reached from outside runs treatments: the agent and its jobs only open outgoing connections.
"""

from __future__ import annotations

import copy
import json
import os
import ssl
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from ..shared.errors import AgentError

Json = dict[str, Any]
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
LABEL = "cadence-host-pool"
RUNNER_LABEL = "cadence-runner"
LOOK_SECONDS = 2.0
_ENDED = ("Complete", "Failed")


class ClusterApi:
    """The API of the cluster, with a pod's service account."""

    def __init__(self, url: str, account: Path = ACCOUNT) -> None:
        self._url, self._account = url.rstrip("/"), account
        try:
            self.namespace = (account / "namespace").read_text().strip()
            self._context = ssl.create_default_context(cafile=str(account / "ca.crt"))
        except OSError as error:
            raise AgentError(f"this agent has no service account of the cluster ({error})") from error

    @staticmethod
    def detect() -> ClusterApi:
        """Returns the API of the cluster that this program runs in. Raises AgentError."""
        host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
        if not host:
            raise AgentError("this agent does not run in a cluster: KUBERNETES_SERVICE_HOST is not set")
        folder = os.environ.get("CADENCE_SERVICE_ACCOUNT", str(ACCOUNT))
        return ClusterApi(f"https://{f'[{host}]' if ':' in host else host}:{port}", Path(folder))

    def call(self, method: str, path: str, body: Json | None = None) -> tuple[int, Json]:
        """Returns status and answer, also if the API refuses the request. Raises OSError if there is no answer."""
        # Read each time, since the cluster renews it.
        token = (self._account / "token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self._url}/{path}", content, headers, method=method)
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self._context)
        )
        try:
            with opener.open(request, timeout=10) as answer:
                return answer.status, json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _parsed(error.read())


class KubernetesJobs:
    """Has the methods of ``RunnerProcesses``.

    ``template`` is the job of a runner; its first container gets the runner's id and token.
    """

    fork_server_lost = False
    leaving = False

    def __init__(self, cluster: ClusterApi, template: Json, pool: str, changed: threading.Event) -> None:
        self._cluster, self._template, self._pool, self._changed = cluster, template, pool, changed
        self._jobs = f"apis/batch/v1/namespaces/{cluster.namespace}/jobs"
        self._secrets = f"api/v1/namespaces/{cluster.namespace}/secrets"
        self._lock = threading.Lock()
        #: Includes jobs that an earlier agent started.
        self._running: set[str] = set()
        # A host that did not report them would give them up.
        while not self._refresh():
            time.sleep(LOOK_SECONDS)
        threading.Thread(target=self._watch, name="jobs", daemon=True).start()

    @property
    def running(self) -> list[str]:
        with self._lock:
            return sorted(self._running)

    @property
    def count(self) -> int:
        return len(self.running)

    def start(self, runner_id: str, token: str) -> None:
        """Creates the runner's job, unless it exists.

        If the cluster refuses, the control plane assigns the runner again.
        """
        status, job = self._create(self._jobs, self._job(runner_id))
        if status == 409:
            status, job = self._call("GET", f"{self._jobs}/{_name(runner_id)}")
        if status not in (200, 201):
            _say(f"the job of runner {runner_id} could not be made: {status} {job.get('message', '')}")
            return
        secret = self._secret(runner_id, token, job["metadata"]["uid"])
        status, answer = self._create(self._secrets, secret)
        if status == 409:
            # The secret of an earlier lease, whose token has expired.
            self._call("DELETE", f"{self._secrets}/{_name(runner_id)}")
            status, answer = self._create(self._secrets, secret)
        if status != 201:
            _say(f"the secret of runner {runner_id} could not be made: {status} {answer.get('message', '')}")
            return
        with self._lock:
            self._running.add(runner_id)

    def stop(self, runner_id: str) -> None:
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        self._call("DELETE", f"{self._jobs}/{_name(runner_id)}", options)

    def terminate(self) -> None:
        """Does nothing: jobs continue without this agent, and the next one takes them over."""

    def join(self, seconds: float) -> None:
        """Does nothing, since jobs are not waited for."""

    def _job(self, runner_id: str) -> Json:
        job = copy.deepcopy(self._template)
        name = _name(runner_id)
        labels = {LABEL: self._pool, RUNNER_LABEL: runner_id}
        job.setdefault("metadata", {})
        job["metadata"].update(name=name, labels={**job["metadata"].get("labels", {}), **labels})
        pod = job["spec"]["template"]
        pod.setdefault("metadata", {})
        pod["metadata"]["labels"] = {**pod["metadata"].get("labels", {}), **labels}
        container = pod["spec"]["containers"][0]
        secret = {"secretKeyRef": {"name": name, "key": "token"}}
        container["env"] = [
            *container.get("env", []),
            {"name": "CADENCE_RUNNER_ID", "value": runner_id},
            {"name": "CADENCE_RUNNER_TOKEN", "valueFrom": secret},
        ]
        return job

    @staticmethod
    def _secret(runner_id: str, token: str, uid: str) -> Json:
        owner = {"apiVersion": "batch/v1", "kind": "Job", "name": _name(runner_id), "uid": uid}
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": _name(runner_id), "ownerReferences": [owner]},
            "stringData": {"token": token},
        }

    def _watch(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(LOOK_SECONDS)
            if self.count:
                self._refresh()

    def _refresh(self) -> bool:
        """Updates the running jobs from the cluster, and deletes those that have ended. False if it cannot be asked."""
        before = set(self.running)
        status, answer = self._call("GET", f"{self._jobs}?labelSelector={LABEL}%3D{self._pool}")
        if status != 200:
            _say(f"the jobs of this cluster cannot be listed: {status} {answer.get('message', '')}")
            return False
        alive = set()
        for job in answer["items"]:
            runner_id = job["metadata"]["labels"][RUNNER_LABEL]
            if _has_ended(job):
                self.stop(runner_id)
            elif "deletionTimestamp" not in job["metadata"]:
                alive.add(runner_id)
        with self._lock:
            # Jobs started meanwhile are not in the list yet.
            self._running = alive | (self._running - before)
        if before - alive:
            self._changed.set()
        return True

    def _create(self, path: str, body: Json) -> tuple[int, Json]:
        return self._call("POST", path, body)

    def _call(self, method: str, path: str, body: Json | None = None) -> tuple[int, Json]:
        try:
            return self._cluster.call(method, path, body)
        except OSError as error:
            return 0, {"message": f"the cluster's API cannot be reached: {error}"}


def _name(runner_id: str) -> str:
    return f"cadence-{runner_id}"


def _has_ended(job: Json) -> bool:
    conditions = job.get("status", {}).get("conditions", [])
    return any(condition["type"] in _ENDED and condition["status"] == "True" for condition in conditions)


def _parsed(content: bytes) -> Json:
    try:
        answer = json.loads(content)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _say(text: str) -> None:
    print(f"cadence-host: {text}", flush=True)
