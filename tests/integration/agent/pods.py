"""Pods as the provider for Kubernetes describes them, run by podman beside a gateway of the test's own."""

import functools
import hashlib
import http.server
import json
import shlex
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cadence.providers.bootstrap import variables
from cadence.providers.contract import AgentFile, CallHome, Containers, RunnerNeeds, RunnerRequest
from cadence.providers.kubernetes import manifests
from cadence.providers.kubernetes.containers import beside
from cadence.providers.kubernetes.settings import KubernetesSettings
from cadence.providers.marks import MachineOwner, host_name
from tests.doubles.kubelet import Kubelet, PodHere
from tests.waiting import PATIENCE

from .fake_gateway import FakeGateway, Runner
from .podman import IMAGE, podman

POOLS_IMAGE = "registry.example/cadence-runner@sha256:" + "ab" * 32
TREATMENTS_IMAGE = "registry.example/tools@sha256:" + "cd" * 32
SETTINGS = {"server": "https://cluster.example", "namespace": "cadence-runners", "image": POOLS_IMAGE}


class Node:
    """Starts the pods of runners."""

    def __init__(self, kubelet: Kubelet, gateway: FakeGateway, agent: AgentFile) -> None:
        self.kubelet, self.gateway, self.agent = kubelet, gateway, agent
        self.pods: list[PodHere] = []
        self.manifests: list[Mapping[str, Any]] = []
        self.secrets: dict[str, Mapping[str, str]] = {}

    def start(
        self, runner: Runner, containers: Containers, needs: RunnerNeeds | None = None, **settings: Any
    ) -> PodHere:
        home = CallHome(self.gateway.url, runner.token, self.agent)
        needs = needs or RunnerNeeds(cpu=500, memory=128)
        request = RunnerRequest(
            runner_id=runner.runner_id, boot_deadline=60, needs=needs, home=home, containers=containers
        )
        its = KubernetesSettings.from_json({**SETTINGS, **settings})
        name = host_name(runner.runner_id)
        sidecars = beside(its, request, name)
        job = manifests.job(
            its, MachineOwner("test", "default", "cluster"), request, variables(home, request), sidecars
        )
        self.manifests.append(json.loads(json.dumps(job)))
        self.secrets[name] = {**sidecars.secrets, manifests.TOKEN_KEY: runner.token}
        pod = self.kubelet.start(name, job["spec"]["template"]["spec"], self.secrets.__getitem__)
        self.pods.append(pod)
        return pod

    def work(self, runner: Runner, containers: Containers, **options: Any) -> dict[str, Any]:
        pod = self.start(runner, containers, **options)
        pod.thread.join(PATIENCE)
        assert runner.completed, pod.logs()
        assert pod.exit_code == 0, pod.logs()
        return runner.completed


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def published(agent: Path) -> Iterator[AgentFile]:
    """Where machines download it."""
    serve = functools.partial(_Quiet, directory=str(agent.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        digest = hashlib.sha256(agent.read_bytes()).hexdigest()
        yield AgentFile(f"http://127.0.0.1:{server.server_port}/{agent.name}", digest)
        server.shutdown()


@contextmanager
def node(
    pools_image: str, arguments: list[str], gateway: FakeGateway, agent: AgentFile, folder: Path
) -> Iterator[Node]:
    """`arguments` are podman's for starting anything here, in one word."""
    words = shlex.split(arguments[-1])
    if "--network" not in words:
        words += ["--network", "host"]
    node = Node(Kubelet(folder, {POOLS_IMAGE: pools_image, TREATMENTS_IMAGE: IMAGE}, words), gateway, agent)
    yield node
    for pod in node.pods:
        pod.stop()
        pod.thread.join()
    left = podman("ps", "--all", "--format", "{{.Names}}").stdout.decode()
    # Tests beside this one have pods of their own.
    assert [pod.real_name("") for pod in node.pods if pod.real_name("") in left] == []
