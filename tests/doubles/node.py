"""Controllers, scheduler and kubelet of a test's cluster in one: each job gets a pod, and whatever the test runs pods
with begins and ends it.
"""

import base64
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol

from tests.doubles.cluster import Cluster, Refused

Pod = Mapping[str, Any]
Tell = Callable[[str, str], None]


class Running(Protocol):
    """A pod that was begun."""

    @property
    def ended(self) -> bool: ...

    def stop(self) -> None:
        """It is deleted."""


class Node:
    """`begin` is given the job's name, the pod's specification, what secrets hold, and who hears of containers that
    cannot be begun.
    """

    def __init__(
        self, cluster: Cluster, begin: Callable[[str, Pod, Callable[[str], Mapping[str, str]], Tell], Running]
    ) -> None:
        self.cluster, self.begin = cluster, begin
        self.pods: dict[str, Running] = {}
        self.specs: dict[str, Pod] = {}
        self.refusals: list[str] = []
        self.over = threading.Event()

    @contextmanager
    def working(self) -> Iterator["Node"]:
        thread = threading.Thread(target=self._work, name="node")
        thread.start()
        try:
            yield self
        finally:
            self.over.set()
            thread.join()
            for pod in self.pods.values():
                pod.stop()

    def _work(self) -> None:
        while not self.over.wait(0.2):
            jobs = self.cluster.call("GET", self.cluster.jobs())["items"]
            for job in jobs:
                self._again_if_refused(partial(self._look, job))
            self._stop_all_but({job["metadata"]["name"] for job in jobs})
            self._again_if_refused(self.cluster.collect)

    def _stop_all_but(self, names: Collection[str]) -> None:
        """Stops the pods of jobs that were deleted and collected between two looks."""
        for name, pod in self.pods.items():
            if name not in names and not pod.ended:
                pod.stop()

    def _again_if_refused(self, work: Callable[[], None]) -> None:
        """What changed meanwhile is looked at again, as by all controllers."""
        try:
            work()
        except Refused as refusal:
            self.refusals.append(str(refusal))

    def _look(self, job: Mapping[str, Any]) -> None:
        name = job["metadata"]["name"]
        pod = self.pods.get(name)
        if "deletionTimestamp" in job["metadata"]:
            if pod and not pod.ended:
                pod.stop()
        elif pod is None:
            if name in self._names("secrets"):  # a kubelet waits for it as well
                made = self.cluster.run(job)
                self.specs[name] = made["spec"]
                self.pods[name] = self.begin(name, made["spec"], self.secret, partial(self._waits, made))
        elif pod.ended and not job.get("status", {}).get("completionTime"):
            self.cluster.finish(name)

    def secret(self, name: str) -> Mapping[str, str]:
        data = self.cluster.call("GET", self.cluster.core(f"secrets/{name}"))["data"]
        return {key: base64.b64decode(value).decode() for key, value in data.items()}

    def _waits(self, pod: Pod, container: str, reason: str) -> None:
        """As a kubelet tells of a container that it cannot begin."""
        kind, _, message = reason.partition(": ")
        waiting = {
            "name": container,
            "state": {"waiting": {"reason": kind, "message": message}},
            "image": "",
            "imageID": "",
            "ready": False,
            "restartCount": 0,
        }
        status = {"status": {"phase": "Pending", "initContainerStatuses": [waiting]}}
        self._again_if_refused(
            partial(self._patch, self.cluster.core(f"pods/{pod['metadata']['name']}/status"), status)
        )

    def _patch(self, path: str, change: Mapping[str, Any]) -> None:
        self.cluster.patch(path, change)

    def _names(self, kind: str) -> set[str]:
        return {each["metadata"]["name"] for each in self.cluster.call("GET", self.cluster.core(kind))["items"]}
