"""A real kube-apiserver with a real etcd, and what a test does in place of the controllers, scheduler and kubelets.

Skips where one of them is missing (`.ci/peers kube-apiserver` builds the first, Debian's `etcd-server` has the second).
"""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from cadence.local.shared.ports import first_free
from cadence.providers.rest import quiet_session
from tests.waiting import eventually

VERSION = "v1.36.3"
ADMIN = "admin-of-the-cluster-0123456789"
SECONDS = 60
NAMESPACE = "cadence-runners"
_CACHE = Path(os.environ.get("CADENCE_PEERS", Path.home() / ".cache" / "cadence-peers"))
MANIFESTS = Path(__file__).parents[2] / "runner_bootstrap" / "kubernetes"
_PLURALS = {"NetworkPolicy": "networkpolicies"}


class Refused(AssertionError):
    """The API said no."""


class Cluster:
    """`admin` may do everything. `token` is one of the service account that `namespace.yaml` makes."""

    def __init__(self, url: str, certificate: str) -> None:
        self.url, self.certificate = url, certificate
        self.admin = quiet_session()
        self.admin.verify = certificate
        self.admin.headers["Authorization"] = f"Bearer {ADMIN}"
        self.token = ""

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        answer = self.admin.request(method, f"{self.url}/{path}", json=body, timeout=120, **options)
        if not answer.ok:
            raise Refused(f"{method} {path}: {answer.text}")
        return answer.json()

    def apply(self, manifest: Path) -> None:
        for each in yaml.safe_load_all(manifest.read_text()):
            group = each["apiVersion"]
            base = f"api/{group}" if group == "v1" else f"apis/{group}"
            namespace = each["metadata"].get("namespace")
            plural = _PLURALS.get(each["kind"], each["kind"].lower() + "s")
            self.call("POST", f"{base}/{f'namespaces/{namespace}/' if namespace else ''}{plural}", each)

    def jobs(self, path: str = "") -> str:
        return f"apis/batch/v1/namespaces/{NAMESPACE}/jobs{path}"

    def core(self, path: str) -> str:
        return f"api/v1/namespaces/{NAMESPACE}/{path}"

    def patch(self, path: str, change: Mapping[str, Any]) -> Any:
        return self.call("PATCH", path, change, headers={"Content-Type": "application/merge-patch+json"})

    def quota(self, hard: Mapping[str, str]) -> None:
        """What the controller of quotas would write: without it the API admits everything."""
        self.patch(self.core("resourcequotas/runners"), {"spec": {"hard": dict(hard)}})
        used = dict.fromkeys(hard, "0")
        self.patch(self.core("resourcequotas/runners/status"), {"status": {"hard": dict(hard), "used": used}})

    def give_pod(self, job: Mapping[str, Any]) -> Mapping[str, Any]:
        """As the controller of jobs: from the job's own template, so that the API admits what a cluster would run."""
        name = job["metadata"]["name"]
        template = job["spec"]["template"]
        owned_by = {"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": job["metadata"]["uid"]}
        metadata = {**template["metadata"], "name": f"{name[:57]}-abcde", "ownerReferences": [owned_by]}
        metadata["labels"] = {**metadata["labels"], "job-name": name}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
        made: Mapping[str, Any] = self.call("POST", self.core("pods"), pod)
        return made

    def run(self, job: Mapping[str, Any]) -> Mapping[str, Any]:
        """As scheduler and kubelet: its pod, bound to a node, and running."""
        made = self.give_pod(job)
        pod = made["metadata"]["name"]
        binding = {"metadata": {"name": pod}, "target": {"apiVersion": "v1", "kind": "Node", "name": "node-1"}}
        self.call("POST", self.core(f"pods/{pod}/binding"), {"apiVersion": "v1", "kind": "Binding", **binding})
        ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        self.patch(self.core(f"pods/{pod}/status"), {"status": ready})
        started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        active = {"active": 1, "ready": 1, "startTime": started}
        self.patch(self.jobs(f"/{job['metadata']['name']}/status"), {"status": active})
        return made

    def finish(self, name: str) -> None:
        """As the controller of jobs, once the pod has ended."""
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        begun = self.call("GET", self.jobs(f"/{name}"))["status"].get("startTime", now)
        done = {"status": "True", "lastProbeTime": now, "lastTransitionTime": now}
        status = {
            "active": 0,
            "ready": 0,
            "succeeded": 1,
            "startTime": begun,
            "completionTime": now,
            "uncountedTerminatedPods": {},
            "conditions": [{"type": "SuccessCriteriaMet", **done}, {"type": "Complete", **done}],
        }
        self.patch(self.jobs(f"/{name}/status"), {"status": status})

    def collect(self) -> None:
        """As the garbage collector: what is being deleted goes, with all that belongs to it."""
        for job in self.call("GET", self.jobs())["items"]:
            if "deletionTimestamp" in job["metadata"]:
                name = job["metadata"]["name"]
                self.patch(self.jobs(f"/{name}"), {"metadata": {"finalizers": None}})
        alive = {job["metadata"]["uid"] for job in self.call("GET", self.jobs())["items"]}
        for kind in ("pods", "secrets"):
            for each in self.call("GET", self.core(kind))["items"]:
                owners = each["metadata"].get("ownerReferences", ())
                if owners and not {owner["uid"] for owner in owners} & alive:
                    options = {"gracePeriodSeconds": 0}
                    self.call("DELETE", self.core(f"{kind}/{each['metadata']['name']}"), options)


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    server = _CACHE / f"kube-apiserver-{VERSION}" / "kube-apiserver"
    etcd, openssl = shutil.which("etcd"), shutil.which("openssl")
    if not server.exists():
        pytest.skip("kube-apiserver is not built (.ci/peers kube-apiserver)")
    if not etcd or not openssl:
        pytest.skip("etcd or openssl is not installed (apt-get install etcd-server openssl)")
    ports = [first_free() for _ in range(3)]
    with ExitStack() as stack:
        client = f"http://127.0.0.1:{ports[0]}"
        peers = f"http://127.0.0.1:{ports[1]}"
        stack.enter_context(
            _running(
                [
                    etcd,
                    *("--data-dir", str(folder / "etcd"), "--unsafe-no-fsync"),
                    *("--listen-client-urls", client, "--advertise-client-urls", client),
                    *("--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers),
                    *("--initial-cluster", f"default={peers}"),
                ],
                folder / "etcd.log",
            )
        )
        key = folder / "accounts.key"
        subprocess.run([openssl, "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
        tokens = folder / "tokens.csv"
        tokens.write_text(f'{ADMIN},admin,admin,"system:masters"\n')
        stack.enter_context(
            _running(
                [
                    str(server),
                    *("--etcd-servers", client, "--bind-address", "127.0.0.1", "--secure-port", str(ports[2])),
                    *("--cert-dir", str(folder / "certificates"), "--token-auth-file", str(tokens)),
                    *("--service-account-issuer", "https://kubernetes.default.svc"),
                    *("--service-account-key-file", str(key), "--service-account-signing-key-file", str(key)),
                    *("--authorization-mode", "RBAC", "--service-cluster-ip-range", "10.0.0.0/24"),
                    *("--endpoint-reconciler-type", "none", "--v", "1"),
                ],
                folder / "apiserver.log",
            )
        )
        made = Cluster(f"https://127.0.0.1:{ports[2]}", str(folder / "certificates" / "apiserver.crt"))
        _wait(made, folder)
        made.apply(MANIFESTS / "namespace.yaml")
        asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 86400}}
        made.token = made.call("POST", made.core("serviceaccounts/cadence/token"), asked)["status"]["token"]
        yield made


def _wait(cluster: Cluster, folder: Path) -> None:
    def is_ready() -> bool:
        with suppress(requests.RequestException):
            return Path(cluster.certificate).exists() and cluster.admin.get(f"{cluster.url}/readyz", timeout=5).ok
        return False

    log = folder / "apiserver.log"
    eventually(is_ready, SECONDS, what=lambda: f"kube-apiserver is not ready: {log.read_text()[-2000:]}", pause=0.2)


@contextmanager
def _running(command: list[str], log: Path) -> Iterator[None]:
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(120)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
