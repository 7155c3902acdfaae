"""A worker's containers in a pod's manifest, and how commands get there."""

import re
from pathlib import Path

from cadence.domain.melodium.pod import VOLUMES, exec_rules, pod_with_containers
from cadence.domain.melodium.specification import ContainerSpec, WorkerSpec
from runner_bootstrap.agent import engine_spec
from runner_bootstrap.agent.exec_places import PodPlace
from runner_bootstrap.agent.exec_request import parse

POD = {
    "containers": [{"name": "runner", "image": "agent", "env": [{"name": "A", "value": "b"}]}],
    "volumes": [{"name": "work"}],
}
WORKER = WorkerSpec(
    "0.10.2",
    "group",
    volumes={"My data": 500},
    containers=(
        ContainerSpec("unit tests", "ubuntu", cpu=500, memory=100, mounts={"My data": "/mnt/data"}),
        ContainerSpec("Unit-Tests", "alpine"),
    ),
    services=(ContainerSpec("db", "postgres:16", env={"USER": "ci"}, command=("postgres", "-c", "x")),),
)


def test_containers_services_and_volumes_are_beside_the_runner() -> None:
    pod = pod_with_containers(POD, WORKER, "runner")
    runner, db, first, second = pod["containers"]
    assert [one["name"] for one in (runner, db, first, second)] == ["runner", "db", "unit-tests", "unit-tests-2"]
    assert (db["command"], db["env"]) == (["postgres", "-c", "x"], [{"name": "USER", "value": "ci"}])
    assert first["resources"]["limits"] == {"cpu": "500m", "memory": "100M"}
    assert first["command"][:2] == ["/bin/sh", "-c"]
    assert first["volumeMounts"] == [{"name": "melodium-my-data", "mountPath": "/mnt/data"}]
    assert runner["volumeMounts"] == [{"name": "melodium-my-data", "mountPath": f"{VOLUMES}/my-data"}]
    assert {"name": "CADENCE_MELODIUM_CONTAINERS", "value": "pod"} in runner["env"] and runner["env"][0]["name"] == "A"
    assert pod["volumes"] == [{"name": "work"}, {"name": "melodium-my-data", "emptyDir": {"sizeLimit": "500M"}}]
    assert pod["hostAliases"][0]["hostnames"] == ["unit-tests", "unit-tests-2", "db"]
    assert all(
        re.fullmatch(r"[a-z]([a-z0-9-]*[a-z0-9])?", one["name"]) for one in (*pod["containers"], *pod["volumes"])
    )
    assert exec_rules()[0]["resources"] == ["pods/exec"]


def test_the_agent_names_containers_and_volumes_in_the_same_way() -> None:
    said = {
        "version": "0.10.2",
        "group_id": "group",
        "containers": [{"name": one.name, "image": one.image} for one in WORKER.containers],
        "services": [{"name": one.name, "image": one.image} for one in WORKER.services],
    }
    pod = pod_with_containers(POD, WORKER, "runner")
    assert [one.slug for one in engine_spec.worker(said).containers] == [one["name"] for one in pod["containers"][1:]]
    assert Path(pod["containers"][0]["volumeMounts"][0]["mountPath"]).name == engine_spec.slug_of("My data")


def test_commands_are_executed_by_the_clusters_api() -> None:
    place = PodPlace("pod-1", "melodium", ["unit-tests"])
    asked = parse(["exec", "--interactive", "--workdir=/w", "--env", "A=b c", "unit-tests", "make", "-k"])
    argv = place.spawn(asked, "m").argv
    head = ["kubectl", "exec", "--stdin", "--namespace", "melodium", "pod-1", "--container", "unit-tests", "--"]
    assert argv[: len(head)] == head
    assert argv[-6:] == ["sh", "/w", "A=b c", "CADENCE_EXEC=m", "make", "-k"]
