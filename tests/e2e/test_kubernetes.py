"""A pipeline whose runners are jobs of a real API server; the test stands in for the node, and runs the containers as processes."""

import base64
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.cluster import NAMESPACE, Cluster, cluster
from tests.e2e.api import Api

_BOOT = Path(__file__).parents[2] / "runner_bootstrap" / "machine"


class Node:
    """Controllers, scheduler and kubelet in one: each job gets a pod, and each pod's container is a process."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.cluster, self.folder = cluster, folder
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.told: dict[str, Mapping[str, str]] = {}
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._work, name="node")

    def _work(self) -> None:
        while not self.over.wait(0.2):
            for job in self.cluster.call("GET", self.cluster.jobs())["items"]:
                self._look(job)
            self.cluster.collect()

    def _look(self, job: Mapping[str, Any]) -> None:
        name = job["metadata"]["name"]
        process = self.processes.get(name)
        if "deletionTimestamp" in job["metadata"]:
            if process and process.poll() is None:
                process.terminate()
        elif process is None:
            secrets = {
                each["metadata"]["name"] for each in self.cluster.call("GET", self.cluster.core("secrets"))["items"]
            }
            if name in secrets:  # a kubelet waits for it as well
                self.cluster.run(job)
                self.processes[name] = self._start(name, job["spec"]["template"]["spec"]["containers"][0])
        elif process.poll() is not None and not job.get("status", {}).get("completionTime"):
            self.cluster.finish(name)

    def _start(self, name: str, container: Mapping[str, Any]) -> "subprocess.Popen[bytes]":
        place = self.folder / name
        place.mkdir()
        variables = {each["name"]: each["value"] for each in container["env"] if "value" in each}
        for each in container["env"]:
            if "valueFrom" in each:
                source = each["valueFrom"]["secretKeyRef"]
                path = self.cluster.core(f"secrets/{source['name']}")
                variables[each["name"]] = _decoded(self.cluster.call("GET", path)["data"][source["key"]])
        self.told[name] = variables
        surroundings = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "CADENCE_FOLDER": str(place),
            "TMPDIR": str(place),
        }
        with (place / "log").open("wb") as log:
            return subprocess.Popen(
                ["sh", str(_BOOT / "boot.sh"), str(_BOOT)],
                env={**surroundings, **variables},
                cwd=place,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def logs(self) -> str:
        return "\n".join(f"{path}:\n{path.read_text()}" for path in self.folder.glob("*/log"))


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode()


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    folder = tmp_path_factory.mktemp("cluster")
    with cluster(folder) as made:
        made.quota({"count/jobs.batch": "200"})
        node = Node(made, folder)
        node.thread.start()
        try:
            yield node
        finally:
            node.over.set()
            node.thread.join()
            for process in node.processes.values():
                process.kill()
                process.wait()


@pytest.fixture(scope="module")
def pool(api: Api, node: Node) -> str:
    settings = {
        "server": node.cluster.url,
        "certificate": Path(node.cluster.certificate).read_text(),
        "namespace": NAMESPACE,
        "image": "registry.example/cadence-runner:1",
        "service_account": "runner",
        "kept_for": 60,
    }
    body = {"provider": "kubernetes", "settings": settings, "credentials": {"token": node.cluster.token}}
    answer = api.call("PUT", "/v1/pools/cluster", json=body)
    assert answer.ok, answer.text
    return "cluster"


def test_a_pipeline_runs_in_two_pools_with_a_stream_between_them(api: Api, node: Node, pool: str) -> None:
    run_id = api.start(
        {
            "cadence": 1,
            "name": "between-pools",
            "treatments": {
                "count": {
                    "run": 'seq 1 1000 > "$CADENCE_OUT_numbers"',
                    "outputs": {"numbers": "Stream<string>"},
                    "pools": [pool],
                },
                "sum": {
                    "run": 'awk \'{s += $1} END {print "sum is " s}\' "$CADENCE_IN_numbers"',
                    "inputs": {"numbers": "Stream<string>"},
                    "pools": ["local"],
                },
            },
            "connections": ["count.numbers -> sum.numbers"],
        }
    )
    try:
        run = api.finished(run_id, within=180)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{node.logs()}") from None
    assert run["state"] == "succeeded", (run, node.logs())
    assert any(line["text"] == "sum is 500500" for line in api.lines(run_id))
    (name,) = node.processes
    # What the pod was told is of no use to anybody afterwards.
    token = node.told[name]["CADENCE_RUNNER_TOKEN"]
    assert token not in node.logs()
