"""What a pod is made of, container by container.

What a cluster admits of it is in `tests/integration/providers/test_kubernetes.py`.
"""

import re
from typing import Any

import pytest

from cadence.domain.melodium.specification import ContainerSpec, WorkerSpec
from cadence.domain.pipelines.specification import ServiceSpec
from cadence.domain.shared.errors import ProviderRejected
from cadence.providers.contract import Containers, RunnerNeeds, RunnerRequest
from cadence.providers.kubernetes import manifests
from cadence.providers.kubernetes.containers import ROOT, beside
from cadence.providers.kubernetes.settings import KubernetesSettings
from cadence.providers.marks import MachineOwner
from runner_bootstrap.agent.assignments import worker_spec
from tests.unit.providers.requests import runner

SETTINGS = {"server": "https://cluster.example", "namespace": "runners", "image": "registry.example/runner:1"}
WORKER = WorkerSpec(
    version="0.10.2",
    group_id="group",
    volumes={"My data": 500},
    containers=(
        ContainerSpec(name="unit tests", image="ubuntu", cpu=500, memory=100, mounts={"My data": "/mnt/data"}),
        ContainerSpec(name="Unit-Tests", image="alpine"),
    ),
    services=(
        ContainerSpec(name="db", image="postgres:16", env={"PASSWORD": "hush"}, command=("postgres", "-c", "x")),
    ),
)
DATABASE = ServiceSpec(
    name="db",
    image="postgres:16",
    env={"PASSWORD": "hush", "USER": "ci"},
    command=None,
    ports=(5432,),
    health_command=("pg_isready",),
    health_interval=2,
    volumes={"data": "/var/lib/postgresql/data"},
    cpu=250,
    memory=300,
)


def pod_of(request: RunnerRequest, **settings: Any) -> tuple[dict[str, Any], dict[str, str]]:
    its = KubernetesSettings.from_json({**SETTINGS, **settings})
    made = beside(its, request, "the-secret")
    job = manifests.job(its, MachineOwner("installation", "default", "cluster"), request, {}, made)
    return job["spec"]["template"]["spec"], made.secrets


def named(pod: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in (*pod["containers"], *pod["initContainers"]) if each["name"] == name)


def limits(container: dict[str, Any]) -> tuple[str, str, str]:
    given = container["resources"]["limits"]
    assert given == container["resources"]["requests"]
    return given["cpu"], given["memory"], given["ephemeral-storage"]


def test_a_runner_without_containers_is_one_container() -> None:
    pod, secrets = pod_of(runner(needs=RunnerNeeds(cpu=2000, memory=4096)))
    assert [each["name"] for each in pod["containers"]] == ["runner"]
    assert "initContainers" not in pod and "hostAliases" not in pod and secrets == {}
    assert limits(pod["containers"][0]) == ("2000m", "4096M", "10000M")
    assert not any(each["name"] == "CADENCE_POD" for each in pod["containers"][0]["env"])


def test_the_command_gets_what_the_treatment_asks_for_and_the_agent_little() -> None:
    asked = Containers(image="python:3.13", services=(DATABASE,), volumes={"data": "/shared"})
    pod, _ = pod_of(runner(needs=RunnerNeeds(cpu=2000, memory=4096, image="python:3.13"), containers=asked))
    assert [each["name"] for each in pod["initContainers"]] == ["desk", "service-db", "command"]
    assert [limits(named(pod, name)) for name in ("runner", "command", "service-db")] == [
        ("500m", "256M", "1000M"),
        ("2000m", "4096M", "10000M"),
        ("250m", "300M", "2000M"),
    ]
    assert all(each["restartPolicy"] == "Always" for each in pod["initContainers"][1:])
    assert {"name": "volume-data", "mountPath": "/shared"} in named(pod, "command")["volumeMounts"]
    assert {"name": "volume-data", "mountPath": "/var/lib/postgresql/data"} in named(pod, "service-db")["volumeMounts"]
    assert pod["hostAliases"] == [{"ip": "127.0.0.1", "hostnames": ["db"]}]
    assert {"name": "CADENCE_POD", "value": ROOT} in named(pod, "runner")["env"]


def test_variables_of_services_are_in_the_secret_alone() -> None:
    pod, secrets = pod_of(runner(containers=Containers(image=None, services=(DATABASE,))))
    assert sorted(secrets.values()) == ["ci", "hush"]
    assert "hush" not in str(pod)
    told = {each["name"]: each["valueFrom"]["secretKeyRef"] for each in named(pod, "service-db")["env"]}
    assert {name: secrets[source["key"]] for name, source in told.items()} == {"PASSWORD": "hush", "USER": "ci"}
    assert {source["name"] for source in told.values()} == {"the-secret"}


def test_what_the_command_is_handed_through_is_in_memory_and_nobody_elses() -> None:
    pod, _ = pod_of(runner(containers=Containers(image="python:3.13", services=(DATABASE,))))
    volumes = {each["name"]: each["emptyDir"] for each in pod["volumes"]}
    assert volumes["desk-command"]["medium"] == volumes["health"]["medium"] == "Memory"
    having = [
        each["name"]
        for each in (*pod["containers"], *pod["initContainers"])
        if any(mount["name"] == "desk-command" for mount in each["volumeMounts"])
    ]
    assert having == ["runner", "desk", "command"]


def test_everything_is_the_runners_user_unless_the_namespace_is_baseline() -> None:
    asked = runner(containers=Containers(image="python:3.13", services=(DATABASE,)))
    pod, _ = pod_of(asked)
    for each in (*pod["containers"], *pod["initContainers"]):
        assert each["securityContext"]["runAsNonRoot"] and each["securityContext"]["runAsUser"] == 65_532
        assert each["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    pod, _ = pod_of(asked, pod_security="baseline")
    assert named(pod, "command")["securityContext"] == {"runAsUser": 0, "runAsGroup": 0}
    assert named(pod, "service-db")["securityContext"] == {}
    assert named(pod, "runner")["securityContext"]["runAsNonRoot"]


def test_a_workers_containers_services_and_volumes() -> None:
    pod, secrets = pod_of(
        runner(needs=RunnerNeeds(cpu=1500, memory=600, storage=900), containers=Containers(worker=WORKER))
    )
    assert [each["name"] for each in pod["initContainers"]] == ["desk", "db", "unit-tests", "unit-tests-2"]
    assert named(pod, "db")["args"] == ["postgres", "-c", "x"] and list(secrets.values()) == ["hush"]
    assert limits(named(pod, "unit-tests")) == ("500m", "100M", "2000M")
    assert {"name": "volume-my-data", "mountPath": "/mnt/data"} in named(pod, "unit-tests")["volumeMounts"]
    assert {"name": "volume-my-data", "mountPath": f"{ROOT}/volumes/my-data"} in named(pod, "runner")["volumeMounts"]
    assert {"name": "volume-my-data", "emptyDir": {"sizeLimit": "500M"}} in pod["volumes"]
    assert pod["hostAliases"][0]["hostnames"] == ["db", "unit-tests", "unit-tests-2"]
    # What was asked for was for all together; the containers have theirs.
    assert limits(named(pod, "runner")) == ("1000m", "500M", "1000M")
    names = [each["name"] for each in (*pod["containers"], *pod["initContainers"], *pod["volumes"])]
    assert all(re.fullmatch(r"[a-z]([a-z0-9-]*[a-z0-9])?", name) for name in names)


def test_the_agent_knows_a_workers_containers_by_the_same_names() -> None:
    said = {
        "version": "0.10.2",
        "group_id": "group",
        "containers": [{"name": one.name, "image": one.image} for one in WORKER.containers],
        "services": [{"name": one.name, "image": one.image} for one in WORKER.services],
    }
    pod, _ = pod_of(runner(containers=Containers(worker=WORKER)))
    slugs = [one.slug for one in worker_spec.worker(said).containers]
    assert pod["hostAliases"][0]["hostnames"] == slugs
    desks = [each["name"] for each in pod["volumes"] if each["name"].startswith("desk-")]
    assert desks == [f"desk-{slug}" for slug in slugs[1:]]


def test_runners_of_engines_have_an_image_of_their_own() -> None:
    with_engine = "registry.example/runner-with-engine:1"
    asked = runner(containers=Containers(worker=WORKER, engine=True))
    pod, _ = pod_of(asked, engine_image=with_engine)
    assert named(pod, "runner")["image"] == named(pod, "desk")["image"] == with_engine
    pod, _ = pod_of(asked)
    assert named(pod, "runner")["image"] == SETTINGS["image"]
    pod, _ = pod_of(runner(), engine_image=with_engine)
    assert pod["containers"][0]["image"] == SETTINGS["image"]


def test_an_architecture_that_only_containers_name_is_a_wish() -> None:
    worker = WorkerSpec(
        version="0.10.2", group_id="group", containers=(ContainerSpec(name="build", image="rust", arch="arm64"),)
    )
    pod, _ = pod_of(runner(containers=Containers(worker=worker)))
    (wish,) = pod["affinity"]["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert wish["preference"]["matchExpressions"][0]["values"] == ["arm64"]
    pod, _ = pod_of(runner(needs=RunnerNeeds(arch="amd64"), containers=Containers(worker=worker)))
    assert pod["nodeSelector"] == {"kubernetes.io/arch": "amd64"} and "affinity" not in pod


def test_volumes_that_a_pod_would_take_for_one_are_refused() -> None:
    asked = Containers(image="python:3.13", volumes={"a": "/a", "A": "/b"})
    with pytest.raises(ProviderRejected, match="The volume a would have the same name in a pod as another one"):
        pod_of(runner(containers=asked))


def test_names_of_services_that_are_too_long_stay_apart() -> None:
    long = "s" * 62
    services = (ServiceSpec(name=f"{long}a", image="redis"), ServiceSpec(name=f"{long}b", image="redis"))
    pod, _ = pod_of(runner(containers=Containers(image=None, services=services)))
    names = [each["name"] for each in pod["initContainers"]]
    assert len(set(names)) == 2 and all(len(name) <= 63 for name in names)
