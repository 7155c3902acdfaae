"""Treatments with an image, services and volumes in the pods of a real API server; podman runs what the pods are made
of.
"""

import json
import re
import shlex
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cadence.adapters.caching.ttl_cached_pools import SECONDS
from cadence.domain.melodium.specification import engine_run_id
from cadence.local.shared.ports import first_free
from tests.doubles.cluster import NAMESPACE, cluster
from tests.doubles.images import imported, runner_image
from tests.doubles.kubelet import Kubelet, PodHere
from tests.doubles.node import Node
from tests.e2e.api import Api
from tests.e2e.conftest import Cadence, Stack
from tests.e2e.engine import BINARY, HAS_SECRETS, PROGRAMS, Engine, Ids, needs_engine, reaches_workers
from tests.e2e.melodium.test_melodium_programs import COUNTED, MIDDLE
from tests.e2e.placement.test_kubernetes import withdraw
from tests.integration.agent.podman import content, working
from tests.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.podman, pytest.mark.slow]

POOLS_IMAGE = "registry.example/cadence-runner:1"
TOOLS = "localhost/tools"
# An engine takes some 100 MB, beside the agent.
ROOM = "memory: 512"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with cluster(tmp_path_factory.mktemp("cluster")) as made, working() as ways:
        arguments = shlex.split(ways[-1])
        # The stack listens on this machine's loopback interface alone.
        arguments += [] if "--network" in arguments else ["--network", "host"]
        programs = (BINARY,) if BINARY.is_file() else ()
        with (
            runner_image(shlex.split(ways[-1]), *programs) as runners,
            imported("cadence-test-tools", content()) as tools,
        ):
            images = {POOLS_IMAGE: runners, TOOLS: tools}
            kubelet = Kubelet(tmp_path_factory.mktemp("node"), images, arguments)
            with Node(made, kubelet.start).working() as node:
                yield node


@pytest.fixture(scope="module")
def pool(api: Api, node: Node) -> Iterator[str]:
    settings = {
        "server": node.cluster.url,
        "certificate": Path(node.cluster.certificate).read_text(),
        "namespace": NAMESPACE,
        "image": POOLS_IMAGE,
        "service_account": "runner",
        "kept_for": 60,
        "defaults": {"cpu": 500, "memory": 128, "storage": 500},
        "services": {"cpu": 200, "memory": 64},
    }
    body = {"provider": "kubernetes", "settings": settings, "credentials": {"token": node.cluster.token}}
    answer = api.call("PUT", "/v1/pools/pods", json=body)
    assert answer.ok, answer.text
    yield "pods"
    withdraw(api, "pods", body)


def finished(api: Api, node: Node, run_id: str) -> None:
    try:
        run = api.finished(run_id, within=240)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{logs(node)}") from None
    causes = {one["name"]: one["cause"] for one in run["treatments"]}
    assert run["state"] == "succeeded", f"{causes}\n{api.lines(run_id)}\n{logs(node)}"


def logs(node: Node) -> str:
    pods = [pod for pod in node.pods.values() if isinstance(pod, PodHere)]
    return "\n".join([*(f"{pod.name}\n{pod.logs()}" for pod in pods), *node.refusals[-5:]])


def test_image_service_volume_and_a_stream_to_another_pool_and_back(api: Api, node: Node, pool: str) -> None:
    """A pod with a database makes numbers, a host works on them, another pod gathers: all at work at the same time."""
    port = first_free()
    serves = f"touch /data/ready; while :; do echo 3 | nc -l -p {port}; done"
    assert api.call("PUT", "/v1/projects/default/secrets/between", json={"value": "s3cr3t-between-pods"}).ok
    run_id = api.start(
        {
            "cadence": 1,
            "name": "between-places",
            "treatments": {
                "generate": {
                    "image": TOOLS,
                    "pools": [pool],
                    "services": {
                        "factor": {
                            "image": TOOLS,
                            "command": ["sh", "-c", serves],
                            "ports": [port],
                            "volumes": {"data": "/data"},
                            "health": {"command": ["test", "-e", "/data/ready"], "interval": 1},
                        }
                    },
                    "volumes": {"data": "/shared"},
                    "secrets": {"TOKEN": "between"},
                    "outputs": {"numbers": "Stream<string>"},
                    "run": 'test -e /shared/ready; test ! -e /opt/cadence; echo "with $TOKEN"\n'
                    'factor=$(nc "$CADENCE_SERVICE_FACTOR_HOST" "$CADENCE_SERVICE_FACTOR_PORT" </dev/null)\n'
                    'i=0; while [ $i -lt 200 ]; do i=$((i + 1)); echo $((i * factor)); sleep 0.08; done > "$CADENCE_OUT_numbers"',
                },
                "double": {
                    "pools": ["local"],
                    "inputs": {"numbers": "Stream<string>"},
                    "outputs": {"doubled": "Stream<string>"},
                    "run": 'while read -r n; do echo $((n * 2)); done < "$CADENCE_IN_numbers" > "$CADENCE_OUT_doubled"',
                },
                "gather": {
                    "image": TOOLS,
                    "pools": [pool],
                    "inputs": {"doubled": "Stream<string>"},
                    "outputs": {"sum": "Block<u64>"},
                    "run": 's=0; while read -r n; do s=$((s + n)); done < "$CADENCE_IN_doubled"; echo "sum is $s"; echo $s > "$CADENCE_OUT_sum"',
                },
            },
            "connections": ["generate.numbers -> double.numbers", "double.doubled -> gather.doubled"],
        }
    )
    finished(api, node, run_id)
    texts = [line["text"] for line in api.lines(run_id)]
    assert "sum is 120600" in texts
    assert "with ***" in texts
    assert api.content(run_id, "gather", "sum") == b"120600\n"
    treatments = {each["name"]: each for each in api.run(run_id)["treatments"]}
    times = {name: (each["started_at"], each["finished_at"]) for name, each in treatments.items()}
    # They were at work together, in two pools; when the second pod begins is up to the machine.
    assert times["double"][0] < times["generate"][1], times
    assert not any("s3cr3t" in str(spec) for spec in node.specs.values())
    assert node.refusals == []


def test_a_treatment_in_a_pod_is_cancelled(api: Api, node: Node, pool: str) -> None:
    script = "trap 'echo told to end; exit 1' TERM; echo up; while :; do sleep 0.1; done"
    treatment = {"image": TOOLS, "pools": [pool], "run": script}
    run_id = api.start({"cadence": 1, "name": "endless", "treatments": {"endless": treatment}})
    api.lines(run_id, 1, treatment="endless")
    assert api.call("POST", f"/v1/runs/{run_id}/cancel", json={}).ok
    run = api.finished(run_id, within=120)
    assert run["state"] == "cancelled"
    assert api.lines(run_id)[0]["text"] == "up"
    until_gone(node, run_id)


def test_an_image_that_cannot_be_pulled_is_the_reason(api: Api, node: Node, pool: str) -> None:
    body = api.get(f"/v1/pools/{pool}")["pool"]
    hasty = {"provider": "kubernetes", "settings": body["settings"], "boot_deadline": 10}
    assert api.call("PUT", "/v1/pools/hasty", json={**hasty, "credentials": {"token": node.cluster.token}}).ok
    treatment = {"image": "localhost/not-there", "pools": ["hasty"], "run": "true", "retry": {"infrastructure": 0}}
    run_id = api.start({"cadence": 1, "name": "no-image", "treatments": {"lost": treatment}})
    try:
        run = api.finished(run_id, within=120)
        assert run["state"] == "failed", run
        told = json.dumps(api.get(f"/v1/runs/{run_id}/treatments/lost"))
        assert "container command: ErrImagePull: there is no image localhost/not-there" in told, told
        until_gone(node, run_id)
    finally:
        withdraw(api, "hasty", hasty)


@pytest.fixture
def workers_only_there(api: Api, pool: str) -> Iterator[str]:
    """A project whose engines find no other pool than that of pods."""
    assert api.call("POST", "/v1/projects", json={"name": "in-pods"}).status_code in {201, 409}
    (local,) = (each for each in api.get("/v1/pools")["items"] if each["name"] == "local")
    body = {name: value for name, value in local.items() if name != "name"}
    assert api.call("PUT", "/v1/pools/local", json={**body, "projects": ["default"]}).ok
    time.sleep(SECONDS + 0.5)
    yield "in-pods"
    assert api.call("PUT", "/v1/pools/local", json=body).ok
    time.sleep(SECONDS + 0.5)


@pytest.mark.engine
@needs_engine
@reaches_workers
@pytest.mark.parametrize(
    ("script", "port", "code"), [("echo fine; echo > /mnt/data/out.txt", "success", 0), ("exit 3", "error", 3)]
)
def test_a_step_of_a_melodium_program_in_a_container_of_a_pod(
    stack: Stack, api: Api, node: Node, workers_only_there: str, tmp_path: Path, script: str, port: str, code: int
) -> None:
    engine, ids = Engine(f"{stack.url}/0.1", stack.token), Ids()
    words = ("--script", script, "--image", TOOLS, "--result", str(tmp_path / "result"))
    try:
        said = engine.run("step.mel", ids, *words, tags=f"project={workers_only_there}")
        assert f"info: step: {port}" in said, (said, logs(node))
        runs = api.get(f"/v1/runs?project={workers_only_there}&pipeline=melodium-worker&limit=50")["items"]
        (worker,) = (run["run_id"] for run in runs if run["started_by_run"] == ids.run)
        run = api.finished(worker)
        (treatment,) = (each for each in run["treatments"] if each["name"] == "worker")
        assert (treatment["state"], treatment["pool"]) == ("succeeded", "pods")
    except AssertionError as error:
        raise AssertionError(f"{error}\n{logs(node)}") from None
    ended = re.compile(rf"unit-tests: sh -c .* ended with {code} after ")
    # A run may have ended a moment before its last lines can be read.
    eventually(lambda: any(ended.match(line["text"]) for line in api.lines(worker)), what=lambda: api.lines(worker))


@pytest.mark.engine
@needs_engine
def test_a_melodium_program_in_a_pod_works_between_two_hosts(
    cadence: Cadence, api: Api, node: Node, pool: str, tmp_path: Path
) -> None:
    """Its values come from a host and go to one, its engine reports from the pod, and it is replayed in another pod."""
    shutil.copytree(PROGRAMS / "counting", tmp_path / "counting")
    document = tmp_path / "middle.yaml"
    document.write_text(MIDDLE.replace("tally: {melodium:", f"tally: {{pools: [{pool}], {ROOM}, melodium:"))
    run_id = cadence("run", str(document)).stdout.split()[0]
    finished(api, node, run_id)
    (tally,) = (one for one in api.run(run_id)["treatments"] if one["name"] == "tally")
    assert tally["pool"] == pool
    texts = ["one", "two", "drei", "limit 42", *COUNTED]
    assert [line["text"] for line in api.lines(run_id, len(texts), treatment="keep")] == texts
    engine = engine_run_id(run_id, "tally", 1)
    assert api.finished(engine)["state"] == "succeeded"
    replayed = json.loads(cadence("replay", run_id, "tally", "--json").stdout)
    assert replayed["verdict"] == "deterministic", (replayed, logs(node))
    until_gone(node, run_id)


@pytest.mark.engine
@needs_engine
@pytest.mark.skipif(not HAS_SECRETS, reason="engines before 0.11.0 end at once, without their last report")
def test_a_cancelled_melodium_program_in_a_pod_reports_to_its_end(
    cadence: Cadence, api: Api, node: Node, pool: str, tmp_path: Path
) -> None:
    shutil.copytree(PROGRAMS / "counting", tmp_path / "counting")
    document = tmp_path / "slow.yaml"
    program = "{program: counting/Compo.toml, entrypoint: slow}"
    document.write_text(
        f"cadence: 1\nname: slow\ntreatments: {{slow: {{pools: [{pool}], {ROOM}, melodium: {program}}}}}\n"
    )
    run_id = cadence("run", str(document)).stdout.split()[0]
    eventually(lambda: any("sleeping" in line["text"] for line in api.lines(run_id, 1, treatment="slow")))
    assert api.call("POST", f"/v1/runs/{run_id}/cancel", json={}).ok
    assert api.finished(run_id, within=240)["state"] == "cancelled", logs(node)
    engine = engine_run_id(run_id, "slow", 1)
    assert api.finished(engine)["state"] == "cancelled", logs(node)
    assert [line["text"] for line in api.lines(engine, 1) if line["treatment"] == "slow"] == ["sleeping"]
    until_gone(node, run_id)


def until_gone(node: Node, run_id: str) -> None:
    """The provider has deleted its job, and nothing of it runs."""
    pods = [pod for name, pod in node.pods.items() if run_id.lower() in name]
    eventually(lambda: all(pod.ended for pod in pods), what="a pod was left behind")
