"""What only Kubernetes has: what a namespace admits, what a pod is told, why it waits. Against a real API server."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cadence.domain.melodium.specification import ContainerSpec, WorkerSpec
from cadence.domain.pipelines.specification import ServiceSpec
from cadence.domain.placement.pool import Pool
from cadence.domain.shared.errors import ProviderRejected
from cadence.providers.contract import Containers, MachineCondition, ProviderContext
from cadence.providers.kubernetes.provider import build
from cadence.providers.marks import host_name
from tests.contract.providers.kubernetes_peer import KubernetesPeer, peer
from tests.contract.providers.test_contract import TOKEN, a_request
from tests.doubles.cluster import NAMESPACE, Refused
from tests.fakes.back_offs import MemoryBackOffs


@pytest.fixture(scope="module")
def infrastructure() -> Iterator[KubernetesPeer]:
    with peer() as made:
        yield made


@pytest.fixture
def cluster(infrastructure: KubernetesPeer) -> KubernetesPeer:
    infrastructure.clear()
    return infrastructure


def pod_of(cluster: KubernetesPeer, runner_id: str) -> Any:
    """As the controller of jobs would make it: the namespace's `restricted` level has to admit it."""
    job = cluster.cluster.call("GET", cluster.cluster.jobs(f"/{host_name(runner_id)}"))
    return cluster.cluster.give_pod(job)


def test_the_pod_is_admitted_where_only_restricted_ones_are_and_gets_no_rights(cluster: KubernetesPeer):
    request = a_request()
    cluster.provider().start(request)

    pod = pod_of(cluster, request.runner_id)

    assert pod["spec"]["automountServiceAccountToken"] is False
    assert not any("serviceAccountToken" in str(volume) for volume in pod["spec"]["volumes"])
    assert TOKEN not in str(pod)
    (container,) = pod["spec"]["containers"]
    assert container["resources"]["limits"] == {"cpu": "1", "memory": "2048M", "ephemeral-storage": "10G"}


IN_IMAGE = Containers(
    image="python:3.13",
    services=(
        ServiceSpec(
            name="db",
            image="postgres:16",
            env={"POSTGRES_PASSWORD": "hush-hush"},
            command=("postgres", "-c", "fsync=off"),
            ports=(5432,),
            health_command=("pg_isready", "-U", "ci"),
            volumes={"data": "/var/lib/postgresql/data"},
        ),
    ),
    volumes={"data": "/shared"},
)
OF_A_WORKER = Containers(
    worker=WorkerSpec(
        version="0.10.2",
        group_id="group",
        volumes={"My data": 500},
        containers=(
            ContainerSpec(name="unit tests", image="ubuntu", cpu=500, memory=100, mounts={"My data": "/mnt/data"}),
        ),
        services=(ContainerSpec(name="db", image="postgres:16", env={"PASSWORD": "hush-hush"}),),
    )
)


@pytest.mark.parametrize("containers", [IN_IMAGE, OF_A_WORKER], ids=["treatment", "worker"])
def test_containers_beside_the_agent_are_admitted_where_only_restricted_ones_are(
    cluster: KubernetesPeer, containers: Containers
):
    request = replace(a_request(), containers=containers)
    cluster.provider().start(request)

    pod = pod_of(cluster, request.runner_id)

    # As the API has it: names that it does not know are not in its answer.
    assert [each["restartPolicy"] for each in pod["spec"]["initContainers"] if each["name"] != "desk"] == ["Always"] * 2
    probed = [each for each in pod["spec"]["initContainers"] if "readinessProbe" in each]
    assert len(probed) == (1 if containers is IN_IMAGE else 0)
    assert "db" in pod["spec"]["hostAliases"][0]["hostnames"]
    job = cluster.cluster.call("GET", cluster.cluster.jobs(f"/{host_name(request.runner_id)}"))
    assert "hush-hush" not in str(job) and TOKEN not in str(job)


def test_what_a_namespace_does_not_admit_is_refused_by_the_cluster_and_found_by_the_probe(cluster: KubernetesPeer):
    provider = cluster.provider()
    provider._settings = replace(cluster.settings(), pod_security="baseline")
    request = replace(a_request(), containers=IN_IMAGE)
    provider.start(request)

    with pytest.raises(Refused, match=r"violates PodSecurity .{2}restricted:latest") as refused:
        pod_of(cluster, request.runner_id)
    # The treatment's and the service's container alone: the agent's stays as it is.
    words = str(refused.value).replace("\\", "")
    assert 'containers "service-db", "command" must set' in words and '"runner"' not in words
    missing = {check.what: check.missing for check in provider.probe() if check.missing}
    assert missing == {
        "pod security": f"the namespace {NAMESPACE} admits restricted pods only, but pod_security is baseline"
    }

    namespace = f"api/v1/namespaces/{NAMESPACE}"
    label = "pod-security.kubernetes.io/enforce"
    cluster.cluster.patch(namespace, {"metadata": {"labels": {label: "baseline"}}})
    try:
        assert pod_of(cluster, request.runner_id)["spec"]["initContainers"]
        assert [check.missing for check in provider.probe() if check.missing] == []
    finally:
        cluster.cluster.patch(namespace, {"metadata": {"labels": {label: "restricted"}}})


def test_why_a_container_beside_waits_is_told(cluster: KubernetesPeer):
    request = replace(a_request(), containers=IN_IMAGE)
    ref = cluster.provider().start(request)
    pod = pod_of(cluster, request.runner_id)["metadata"]["name"]
    its = {"image": "python:3.13", "imageID": "", "ready": False, "restartCount": 0}
    pulling = {"waiting": {"reason": "ErrImagePull", "message": "manifest unknown"}}
    status = {
        "phase": "Pending",
        "initContainerStatuses": [{"name": "command", "state": pulling, **its}],
        "containerStatuses": [{"name": "runner", "state": {"waiting": {"reason": "PodInitializing"}}, **its}],
    }
    cluster.cluster.patch(cluster.cluster.core(f"pods/{pod}/status"), {"status": status})
    assert cluster.provider().describe(ref).reason == "container command: ErrImagePull: manifest unknown"


def test_the_token_is_in_a_secret_that_goes_with_the_job(cluster: KubernetesPeer):
    request = a_request()
    ref = cluster.provider().start(request)
    made = cluster.cluster.call("GET", cluster.cluster.core(f"secrets/{ref}"))
    assert made["metadata"]["ownerReferences"][0]["kind"] == "Job"

    cluster.provider().stop(ref)
    cluster.settle()

    left = cluster.cluster.call("GET", cluster.cluster.core("secrets"))["items"]
    assert ref not in {each["metadata"]["name"] for each in left}


def test_why_a_pod_waits_is_told_in_the_clusters_words(cluster: KubernetesPeer):
    request = a_request()
    ref = cluster.provider().start(request)
    pod = pod_of(cluster, request.runner_id)["metadata"]["name"]
    waits = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "0/3 nodes are available: insufficient cpu",
    }
    cluster.cluster.patch(cluster.cluster.core(f"pods/{pod}/status"), {"status": {"conditions": [waits]}})

    machine = cluster.provider().describe(ref)

    assert machine.condition is MachineCondition.STARTING
    assert machine.reason == "Unschedulable: 0/3 nodes are available: insufficient cpu"
    assert "insufficient cpu" in (cluster.provider().console(ref) or "")


def test_a_finished_job_is_gone_while_it_can_still_be_looked_at(cluster: KubernetesPeer):
    request = a_request()
    ref = cluster.provider().start(request)
    cluster.cluster.finish(ref)
    assert cluster.provider().describe(ref).condition is MachineCondition.GONE
    assert ref not in {each.ref for each in cluster.provider().list_owned()}


def test_a_pool_talks_to_the_api_itself_and_believes_its_authority_alone(cluster: KubernetesPeer):
    made = cluster.cluster
    settings = {
        "server": made.url,
        "certificate": Path(made.certificate).read_text(),
        "namespace": NAMESPACE,
        "image": "registry.example/cadence-runner:1",
        "service_account": "runner",
    }
    pool = Pool(organization="default", name="cluster", provider="kubernetes", settings=settings)
    provider = build(
        pool,
        {"token": made.token},
        ProviderContext(installation="installation", clock=lambda: datetime.now(UTC), back_offs=MemoryBackOffs()),
    )
    assert [check for check in provider.probe() if check.missing] == []

    unknown = replace(pool, settings={name: value for name, value in settings.items() if name != "certificate"})
    doubting = build(
        unknown,
        {"token": made.token},
        ProviderContext(installation="installation", clock=lambda: datetime.now(UTC), back_offs=MemoryBackOffs()),
    )
    assert "certificate is not valid" in str([check.missing for check in doubting.probe()])


def test_cadence_may_write_tokens_and_not_read_them(cluster: KubernetesPeer):
    provider = cluster.provider()
    ref = provider.start(a_request())
    with pytest.raises(ProviderRejected, match="forbidden"):
        provider._rest.get(f"api/v1/namespaces/{NAMESPACE}/secrets/{ref}")
    assert provider.describe("not-there").condition is MachineCondition.GONE


def test_the_probe_names_the_service_account_that_is_missing(cluster: KubernetesPeer):
    settings = replace(cluster.settings(), service_account="nobody")
    provider = cluster.provider()
    provider._settings = settings
    missing = {check.what: check.missing for check in provider.probe() if check.missing}
    assert missing == {"service account": f"there is no service account nobody in {NAMESPACE}"}
