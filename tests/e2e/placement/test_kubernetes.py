"""A pipeline whose runners are jobs of a real API server; the test stands in for the node, and runs the containers as
processes.
"""

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from cadence.adapters.caching.ttl_cached_pools import SECONDS
from runner_bootstrap.build import build
from tests.doubles.cluster import MANIFESTS, NAMESPACE, cluster
from tests.doubles.node import Node, Pod
from tests.e2e.api import Api
from tests.e2e.conftest import Stack
from tests.waiting import eventually

_BOOT = Path(__file__).parents[3] / "runner_bootstrap" / "machine"


class Processes:
    """Runs each pod's container as a process. `told` is what each was told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: dict[str, Mapping[str, str]] = {}
        #: What the config map of the agent inside holds.
        self.shared: Mapping[str, str] = {}

    def begin(self, name: str, pod: Pod, secret: Callable[[str], Mapping[str, str]], _: object) -> "Process":
        (container,) = pod["containers"]
        place = self.folder / name
        place.mkdir()
        variables = dict(self.shared) if "envFrom" in container else {}
        variables |= {each["name"]: each["value"] for each in container["env"] if "value" in each}
        for each in container["env"]:
            if "valueFrom" in each:
                source = each["valueFrom"]["secretKeyRef"]
                variables[each["name"]] = secret(source["name"])[source["key"]]
        self.told[name] = variables
        surroundings = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "CADENCE_FOLDER": str(place),
            "TMPDIR": str(place),
        }
        with (place / "log").open("wb") as log:
            return Process(
                subprocess.Popen(
                    ["sh", str(_BOOT / "boot.sh"), str(_BOOT)],
                    env={**surroundings, **variables},
                    cwd=place,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
            )

    def logs(self) -> str:
        return "\n".join(f"{path}:\n{path.read_text()}" for path in self.folder.glob("*/log"))


class Process:
    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Processes:
    return Processes(tmp_path_factory.mktemp("pods"))


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, processes: Processes) -> Iterator[Node]:
    with cluster(tmp_path_factory.mktemp("cluster")) as made:
        made.quota({"count/jobs.batch": "200"})
        with Node(made, processes.begin).working() as node:
            yield node


def withdraw(api: Api, pool: str, body: dict[str, Any]) -> None:
    """Other tests' treatments are not to be placed where nobody answers any more."""
    api.withdraw(pool, body)
    time.sleep(SECONDS + 0.5)  # processes that place treatments may still know the pool as it was


@pytest.fixture(scope="module")
def pool(api: Api, node: Node) -> Iterator[str]:
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
    yield "cluster"
    withdraw(api, "cluster", body)


def test_a_pipeline_runs_in_two_pools_with_a_stream_between_them(
    api: Api, node: Node, processes: Processes, pool: str
) -> None:
    before = set(node.pods)
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
        raise AssertionError(f"{error}\n{processes.logs()}\n{node.refusals[-5:]}") from None
    assert run["state"] == "succeeded", (run, processes.logs(), node.refusals[-5:])
    assert any(line["text"] == "sum is 500500" for line in api.lines(run_id))
    (name,) = set(node.pods) - before
    # What the pod was told is of no use to anybody afterwards.
    token = processes.told[name]["CADENCE_RUNNER_TOKEN"]
    assert token not in processes.logs()


@pytest.fixture
def agent_inside(stack: Stack, api: Api, node: Node, processes: Processes, tmp_path: Path) -> Iterator[str]:
    """An agent as `outbound.yaml` has it, with the service account that it gets there, and nothing else of
    the cluster.
    """
    made = node.cluster
    manifests = list(yaml.safe_load_all((MANIFESTS / "outbound.yaml").read_text()))
    made.apply(MANIFESTS / "outbound.yaml")
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 86400}}
    account = tmp_path / "account"
    account.mkdir()
    token = made.call("POST", made.core("serviceaccounts/cadence-agent/token"), asked)["status"]["token"]
    (account / "token").write_text(token)
    (account / "namespace").write_text(NAMESPACE)
    (account / "ca.crt").write_text(Path(made.certificate).read_text())
    jobs = tmp_path / "job.json"
    jobs.write_text(next(each["data"]["job.json"] for each in manifests if each["metadata"]["name"] == "cadence-job"))
    assert api.call("PUT", "/v1/pools/inside", json={"provider": "host"}).ok
    token = api.call("POST", "/v1/tokens", json={"name": "inside", "permissions": ["hosts:join"]}).json()["token"]
    digest = hashlib.sha256(build(tmp_path / "agent.pyz").read_bytes()).hexdigest()
    processes.shared = {
        "CADENCE_GATEWAY": stack.url,
        "CADENCE_AGENT_URLS": f"{stack.url}/runner/v1/agent/{digest}",
        "CADENCE_AGENT_SHA256": digest,
    }
    deployed = next(each for each in manifests if each["kind"] == "Deployment")["spec"]["template"]["spec"]
    words = ["--pool", "inside", "--name", "inside", "--jobs", str(jobs), "--slots", "5", "--grace", "0"]
    assert deployed["containers"][0]["args"][0] == "host"
    port = made.url.rpartition(":")[2]
    inside = {
        "PATH": os.environ["PATH"],
        "CADENCE_FOLDER": str(tmp_path / "agent"),
        "CADENCE_JOIN_TOKEN": token,
        "CADENCE_SERVICE_ACCOUNT": str(account),
        "KUBERNETES_SERVICE_HOST": "127.0.0.1",
        "KUBERNETES_SERVICE_PORT": port,
        **processes.shared,
    }
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            ["sh", str(_BOOT / "boot.sh"), str(_BOOT), "host", *words, "--state", str(tmp_path / "host.json")],
            env=inside, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        yield "inside"
    finally:
        process.terminate()
        process.wait(120)
        print((tmp_path / "log").read_text())
        withdraw(api, "inside", {"provider": "host"})


def test_a_cluster_that_nobody_reaches_gets_its_work_by_calling_out(
    api: Api, node: Node, processes: Processes, agent_inside: str
) -> None:
    document = {
        "cadence": 1,
        "name": "inside",
        "treatments": {"hello": {"run": "echo from inside", "pools": [agent_inside]}},
    }
    run_id = api.start(document)
    try:
        run = api.finished(run_id, within=180)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{processes.logs()}\n{node.refusals[-5:]}") from None
    assert run["state"] == "succeeded", (run, processes.logs(), node.refusals[-5:])
    assert [line["text"] for line in api.lines(run_id)] == ["from inside"]
    # Once it has ended, the agent clears it away.
    of_agent = {"labelSelector": "cadence-host-pool"}
    eventually(
        lambda: not node.cluster.call("GET", node.cluster.jobs(), params=of_agent)["items"],
        what="the agent left its job behind",
    )
