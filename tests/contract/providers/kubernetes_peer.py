"""Kubernetes: a real kube-apiserver with a real etcd, behind a server that plays the troubles a network and a busy API
have.
"""

import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from cadence.providers.hidden import Hidden
from cadence.providers.kubernetes.dialect import KubernetesDialect
from cadence.providers.kubernetes.provider import KubernetesProvider
from cadence.providers.kubernetes.settings import KubernetesSettings
from cadence.providers.marks import MachineOwner, host_name
from cadence.providers.rest import Rest
from tests.contract.providers.peer import Trouble
from tests.doubles.cluster import NAMESPACE, Cluster, cluster
from tests.fakes.answering import Asked, Reply, answering

OWNER = MachineOwner("installation", "default", "cluster")
_LATER = "a cluster pulls the image after it has accepted the job: the reason is in what `describe` says then"
_ROOMY = {"count/jobs.batch": "200"}


class KubernetesPeer:
    what = "a real kube-apiserver 1.36 and etcd; the test stands in for controllers, scheduler and kubelets"
    words: Mapping[Trouble, str] = {
        Trouble.FULL: "exceeded quota: runners",
        Trouble.QUOTA: "exceeded quota: runners",
        Trouble.CREDENTIALS: "Unauthorized",
        Trouble.THROTTLED: "too many requests",
        Trouble.BROKEN: "etcdserver: request timed out",
    }
    cannot: Mapping[str, str] = {
        "a_missing_image_is_refused_for_good": _LATER,
        "probe_says_what_is_missing[image]": _LATER,
    }
    wait_told = 7.0
    page = 5

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.secret = cluster.token
        self.trouble: Trouble | None = None
        self.losing = False
        self.url = ""
        self.slow = threading.Event()
        self.clear()

    def provider(self) -> KubernetesProvider:
        token = "not-" + self.secret if self.trouble is Trouble.CREDENTIALS else self.secret
        hidden = Hidden([token])
        seconds = 0.3 if self.trouble is Trouble.SLOW else 20.0
        headers = {"Authorization": f"Bearer {token}"}
        rest = Rest(self.url, KubernetesDialect(), lambda: headers, hidden=hidden, seconds=seconds)
        return KubernetesProvider(OWNER, self.settings(), rest, hidden, page=3)

    @staticmethod
    def settings() -> KubernetesSettings:
        return KubernetesSettings.from_json(
            {
                "server": "https://cluster.example",
                "namespace": NAMESPACE,
                "image": "registry.example/cadence-runner:1",
                "service_account": "runner",
            }
        )

    def answer(self, asked: Asked) -> Reply:
        """What the cluster says, unless something is wrong between it and the provider."""
        match self.trouble:
            case Trouble.THROTTLED:
                return Reply(
                    429, _status("TooManyRequests", "too many requests, please try again later"), {"Retry-After": "7"}
                )
            case Trouble.BROKEN:
                return Reply(500, _status("InternalError", "etcdserver: request timed out"))
            case Trouble.SLOW:
                self.slow.wait(5)
                return Reply(504, _status("Timeout", "nobody waits for this any more"))
        headers = {name: value for name, value in asked.headers.items() if name in {"authorization", "content-type"}}
        answer = requests.request(
            asked.method,
            f"{self.cluster.url}{asked.path}",
            params=dict(asked.params),
            data=asked.raw,
            headers=headers,
            verify=self.cluster.certificate,
            timeout=120,
        )
        if self.losing and asked.method == "POST" and asked.path.endswith("/jobs"):
            self.losing = False
            return Reply(504, _status("Timeout", "the server was unable to return a response in time"))
        kind = answer.headers.get("Content-Type", "")
        return Reply(answer.status_code, answer.json() if "json" in kind else answer.text, {"content-type": kind})

    def make(self, trouble: Trouble) -> None:
        self.trouble = trouble
        if trouble in {Trouble.FULL, Trouble.QUOTA}:
            self.cluster.quota({"count/jobs.batch": "0"})

    def clear(self) -> None:
        if self.trouble in {None, Trouble.FULL, Trouble.QUOTA}:
            self.cluster.quota(_ROOMY)
        self.trouble, self.losing = None, False
        self.slow.set()
        self.slow = threading.Event()

    def lose_answer(self) -> None:
        self.losing = True

    def boot(self, runner_id: str) -> None:
        self.cluster.run(self._job(runner_id))

    def end(self, runner_id: str) -> None:
        self.cluster.finish(host_name(runner_id))

    def settle(self) -> None:
        self.cluster.collect()

    def machines(self, runner_id: str) -> int:
        selector = {"labelSelector": f"cadence-runner={runner_id}"}
        return len(self.cluster.call("GET", self.cluster.jobs(), params=selector)["items"])

    def add_foreign(self) -> None:
        pod = {"containers": [{"name": "x", "image": "x"}], "restartPolicy": "Never"}
        labels = {"cadence-owner": "another-installation"}
        job = {"metadata": {"generateName": "other-", "labels": labels}, "spec": {"template": {"spec": pod}}}
        self.cluster.call("POST", self.cluster.jobs(), {"apiVersion": "batch/v1", "kind": "Job", **job})

    def _job(self, runner_id: str) -> Any:
        return self.cluster.call("GET", self.cluster.jobs(f"/{host_name(runner_id)}"))


def _status(reason: str, message: str) -> Mapping[str, Any]:
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": message}


@contextmanager
def peer() -> Iterator[KubernetesPeer]:
    with tempfile.TemporaryDirectory(prefix="cluster-") as folder, cluster(Path(folder)) as made:
        peer = KubernetesPeer(made)
        with answering(peer.answer) as peer.url:
            yield peer
