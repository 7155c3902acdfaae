"""Workers as ordinary runs: what is started, where, what the asking engine hears."""

import base64
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cadence.application.melodium.access import PATIENCE, SPACING, WaitForWorker
from cadence.application.melodium.pin_worker_images import PinWorkerImages
from cadence.application.melodium.ports import WorkerReady, WorkerRefused, WorkerStarting
from cadence.application.melodium.start_worker import RequestWorker
from cadence.application.melodium.worker_ports import WorkerSecrets, WorkerSecretStore
from cadence.application.runs.start_run import StartRun
from cadence.domain.access.access import Principal
from cadence.domain.melodium.certificate import OLD_ROOT_UNTIL
from cadence.domain.melodium.request import EngineContainer, LaunchRequest, Mode, Volume
from cadence.domain.pipelines import plan
from cadence.domain.pipelines.registry_login import RegistryLogin
from cadence.domain.placement.pool import LargestRunner, Pool
from cadence.domain.runners.runner import EngineEndpoint, Runner, RunnerState
from cadence.domain.runs.run import Run
from cadence.domain.runs.states import RunState, TreatmentState
from cadence.domain.shared import ids
from cadence.domain.shared.errors import InvalidRequest, NotFound, ProviderRejected
from tests.fakes.melodium import MemoryMasks, MemoryReported
from tests.fakes.runs import a_run
from tests.unit.scheduling.setting import Setting

KEY, GROUP, PARENT = (f"{digit * 8}-0000-4000-8000-000000000000" for digit in "123")
BY = Principal(token_id="token", name="ada", organization="acme", project="site", permissions=frozenset({"*"}))
ENDED = OLD_ROOT_UNTIL


class MemorySecrets(WorkerSecretStore):
    def __init__(self) -> None:
        self.kept: dict[str, WorkerSecrets] = {}

    def keep(self, run_id: str, secrets: WorkerSecrets) -> WorkerSecrets:
        return self.kept.setdefault(run_id, secrets)

    def get(self, run_id: str) -> WorkerSecrets:
        if run_id not in self.kept:
            raise NotFound("they are not kept")
        return self.kept[run_id]


def request(**said: Any) -> LaunchRequest:
    given = {
        "key": KEY,
        "group_id": GROUP,
        "parent_id": PARENT,
        "max_duration": 600,
        "memory": 500,
        "cpu": 100,
        "storage": 580,
    }
    return replace(
        LaunchRequest(version="0.10.2", mode=Mode.DISTRIBUTION_SECRET_KEY, local_exec=False, edition="scratch"),
        **{**given, **said},
    )


class World(Setting):
    def __post_init__(self) -> None:
        super().__post_init__()
        self.clock.now = ENDED - timedelta(days=1)
        self.keys = MemorySecrets()
        self.reported = MemoryReported()
        self.masks = MemoryMasks()
        self.slept: list[float] = []
        start = StartRun(self.runs, self.run_gates, self.deadlines, self.clock)
        directory: Any = self.pools
        self.ask_for = RequestWorker(
            runs=self.runs,
            reported=self.reported,
            directory=directory,
            pools=self.pools,
            secrets=self.keys,
            documents=self.documents,
            start=start,
            clock=self.clock,
            pin=PinWorkerImages(self.registries, resolves_loopback=False).pin,
            masks=self.masks,
        )
        self.access = WaitForWorker(
            runs=self.runs,
            treatments=self.runs,
            runners=self.runners,
            secrets=self.keys,
            reported=self.reported,
            clock=self.clock,
            sleep=self.sleep,
        )

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.advance(timedelta(seconds=seconds))

    def pool(self, name: str, provider: str = "host", **fields: Any) -> Pool:
        pool = Pool(organization="acme", name=name, provider=provider, **fields)
        self.pools.pools = (*self.pools.pools, pool)
        return pool

    def called_home(self, run_id: str, **fields: Any) -> None:
        run = self.runs.get_run(run_id)
        runner_id = ids.runner_id(run_id, "worker", 1)
        runner = Runner(
            runner_id=runner_id,
            run_id=run_id,
            treatment="worker",
            attempt=1,
            organization="acme",
            project="site",
            pool="near",
            provider="host",
            state=RunnerState.CLAIMED,
            created_at=self.clock(),
        )
        self.runners.runners[runner_id] = replace(runner, **fields)
        assert run.melodium

    def begun(self) -> Run:
        run_id = self.ask_for.request(BY, request())
        self.admit.admit(run_id, "run-token")
        return self.runs.get_run(run_id)


@pytest.fixture
def world() -> World:
    return World()


def spec_of(world: World, run: Run) -> Any:
    (spec,) = plan.decode(world.documents.get(run.plan_sha256))
    return spec


def test_a_worker_is_a_run_with_one_treatment_that_its_parent_started(world: World) -> None:
    parent = replace(a_run(PARENT), depth=2)
    world.runs.create_run(parent)
    run = world.runs.get_run(world.ask_for.request(BY, request(tags=("kind=x",))))
    assert (run.organization, run.project, run.pipeline, run.created_by) == ("acme", "site", "melodium-worker", "ada")
    assert (run.started_by_run, run.depth) == (PARENT, 3)
    assert run.melodium and (run.melodium.group_id, run.melodium.parent_id, run.melodium.supervised) == (
        GROUP,
        PARENT,
        True,
    )
    spec = spec_of(world, run)
    assert (spec.name, spec.pools, spec.memory, spec.max_duration) == ("worker", ("near",), 500, 660)
    assert (spec.engine.group_id, spec.engine.duration, spec.engine.edition) == (GROUP, 600, None)
    assert world.machines.runs == {run.run_id: run.machine_timeout}


def test_a_worker_is_of_its_parents_project(world: World) -> None:
    world.runs.create_run(replace(a_run(PARENT), project="shop"))
    world.pools.pools = (replace(world.pools.pools[0], projects=("shop",)),)
    everywhere = replace(BY, project="*")
    assert world.runs.get_run(world.ask_for.request(everywhere, request())).project == "shop"


def test_what_is_masked_of_an_engine_is_masked_of_its_workers(world: World) -> None:
    world.runs.create_run(a_run(PARENT))
    world.masks.note(PARENT, ["digest"])
    worker = world.ask_for.request(BY, request())
    assert world.masks.known == {PARENT: {"digest"}, worker: {"digest"}}


def test_the_same_request_is_the_same_worker_with_the_same_keys(world: World) -> None:
    first = world.ask_for.request(BY, request())
    keys = world.keys.get(first)
    assert world.ask_for.request(BY, request()) == first
    assert world.keys.get(first) == keys
    assert world.ask_for.request(BY, request(key=GROUP)) != first
    assert keys.send_key == KEY and keys.receive_key not in (
        KEY,
        world.keys.get(world.ask_for.request(BY, request(key=GROUP))).receive_key,
    )


def test_keys_and_other_secrets_are_in_nothing_that_others_read(world: World) -> None:
    build = EngineContainer(name="build", image="ubuntu", pull_secret="hidden-login")
    postgres = EngineContainer(name="db", image="postgres", env={"PASSWORD": "hidden-word"})
    run = world.runs.get_run(world.ask_for.request(BY, request(containers=(build,), service_containers=(postgres,))))
    assert world.keys.get(run.run_id).pull_secrets == {"build": "hidden-login"}
    document = world.documents.get(run.document_sha256).decode()
    assert json.loads(document)["service_containers"][0]["env"] == ["PASSWORD"]
    everything = document + world.documents.get(run.plan_sha256).decode() + repr(run) + repr(world.reported.said)
    for secret in (KEY, world.keys.get(run.run_id).receive_key, "hidden-login"):
        assert secret not in everything
    assert "hidden-word" not in document


def test_images_are_those_of_when_the_worker_was_asked_for_where_registries_tell(world: World) -> None:
    digest = f"sha256:{'a' * 64}"
    world.registries.digests = {"ubuntu:24.04": digest, "ghcr.io/org/private:1": digest}
    auths = {"ghcr.io": {"auth": base64.b64encode(b"ada:lovelace").decode()}, "https://index.docker.io/v1/": {}}
    containers = (
        EngineContainer(name="a", image="ubuntu:24.04"),
        EngineContainer(name="b", image="ghcr.io/org/private:1", pull_secret=json.dumps({"auths": auths})),
        EngineContainer(name="c", image="unknown.example/x:1", pull_secret="of another format"),
        EngineContainer(name="d", image="localhost/own"),
        EngineContainer(name="e", image=f"x@{digest}"),
        EngineContainer(name="f", image="127.0.0.1:5000/x"),
    )
    services = (EngineContainer(name="db", image="ubuntu:24.04"),)
    run = world.runs.get_run(world.ask_for.request(BY, request(containers=containers, service_containers=services)))
    engine = spec_of(world, run).engine
    assert [each.image for each in engine.containers] == [
        f"ubuntu@{digest}",
        f"ghcr.io/org/private@{digest}",
        "unknown.example/x:1",
        "localhost/own",
        f"x@{digest}",
        "127.0.0.1:5000/x",
    ]
    assert [each.image for each in engine.services] == [f"ubuntu@{digest}"]
    assert world.registries.logins["ghcr.io/org/private:1"] == RegistryLogin("ada", "lovelace")
    assert world.registries.logins["unknown.example/x:1"] is None


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"arch": "arm64"}, "pool near has no arm64"),
        ({"required": ("shared",)}, "pool near is not shared"),
        ({"memory": 9000}, "pool near has at most 8000 MB of memory, and 9000 are asked for"),
        (
            {"containers": (EngineContainer(name="a", image="b", memory=7600),)},
            "8000 MB of memory, and 8100 are asked for",
        ),
        ({"storage": 20_000}, "pool near has at most 10000 MB of storage, and 20000 are asked for"),
    ],
)
def test_what_no_pool_can_hold_is_refused_with_each_pools_reason(world: World, said: dict[str, Any], why: str) -> None:
    world.pools.pools = (
        Pool(organization="acme", name="near", provider="host", largest=LargestRunner(4000, 8000, 10_000)),
    )
    with pytest.raises(ProviderRejected, match=why):
        world.ask_for.request(BY, request(**said))
    assert world.machines.runs == {} and world.keys.kept == {}


def test_an_architecture_that_only_containers_name_is_a_wish(world: World) -> None:
    world.pool("arm", architectures=("arm64",))
    step = EngineContainer(name="build", image="ubuntu", arch="arm64")
    assert spec_of(world, world.runs.get_run(world.ask_for.request(BY, request(containers=(step,))))).pools == (
        "arm",
        "near",
    )
    world.pools.pools = (
        Pool(
            organization="acme", name="strict", provider="host", settings={"melodium": {"containers_arch": "required"}}
        ),
    )
    with pytest.raises(ProviderRejected, match="pool strict has no arm64 for the containers"):
        world.ask_for.request(BY, request(containers=(step,)))


def test_preferred_modes_come_first_and_pools_may_say_their_own(world: World) -> None:
    world.pool("cloud", "ec2")
    world.pool("said", "ec2", settings={"melodium": {"modes": ["shared"]}})
    pools = spec_of(world, world.runs.get_run(world.ask_for.request(BY, request(preferred=("shared",))))).pools
    assert pools == ("said", "near", "cloud")
    only = spec_of(
        world, world.runs.get_run(world.ask_for.request(BY, request(key=GROUP, required=("self_managed",))))
    ).pools
    assert only == ("near",)


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ({"containers": (EngineContainer(name="a,b", image="x"),)}, "comma"),
        ({"containers": (EngineContainer(name="a", image="x"), EngineContainer(name="a", image="y"))}, "two called"),
        (
            {"containers": (EngineContainer(name="a", image="x", mounts={"gone": "/mnt"}),)},
            "volume 'gone', which is not there",
        ),
        (
            {"volumes": (Volume("v", 1),), "containers": (EngineContainer(name="a", image="x", mounts={"v": "mnt"}),)},
            "no absolute path",
        ),
        ({"key": None}, "needs the key"),
    ],
)
def test_what_no_engine_could_be_told_is_refused(world: World, said: dict[str, Any], what: str) -> None:
    with pytest.raises(InvalidRequest, match=what):
        world.ask_for.request(BY, request(**said))


def test_an_engine_gets_the_addresses_of_its_workers_one_after_the_other(world: World) -> None:
    """Engines since 0.11.0 report no keys: the order tells which worker a treatment got."""
    world.runs.create_run(replace(a_run(PARENT), depth=2))
    endpoint = EngineEndpoint(("127.0.0.1",), 4_000, "machine")
    workers = []
    for key, version in ((KEY, "0.11.0"), (GROUP, "0.11.0"), (PARENT, "0.10.2")):
        run_id = world.ask_for.request(BY, request(key=key, version=version))
        world.admit.admit(run_id, "run-token")
        world.called_home(run_id, listening=endpoint)
        workers.append(world.runs.get_run(run_id))
    assert isinstance(world.access.wait(BY, workers[1]), WorkerReady)
    assert world.slept == []
    assert isinstance(world.access.wait(BY, workers[0]), WorkerReady)
    assert sum(world.slept) >= SPACING.total_seconds()
    assert isinstance(world.access.wait(BY, workers[1]), WorkerReady)  # asked once more
    assert isinstance(world.access.wait(BY, workers[2]), WorkerReady)
    assert world.reported.answered(PARENT) == [workers[1].run_id, workers[0].run_id]


def test_nothing_is_dispatched_once_the_built_in_certificate_has_ended(world: World) -> None:
    run = world.begun()
    world.clock.now = ENDED
    with pytest.raises(
        ProviderRejected,
        match=r"Engines before 0\.11\.0 can reach no worker: their certificate ended 2026-12-21 12:26:26",
    ):
        world.ask_for.request(BY, request(key=GROUP))
    refused = world.access.wait(BY, run)
    assert isinstance(refused, WorkerRefused) and "ended 2026-12-21" in refused.reasons[0]


def test_an_engine_waits_until_its_worker_listens(world: World) -> None:
    run = world.begun()
    assert isinstance(world.access.wait(BY, run), WorkerStarting)
    assert PATIENCE - timedelta(seconds=1) <= timedelta(seconds=sum(world.slept)) <= PATIENCE
    world.called_home(run.run_id)
    assert isinstance(world.access.wait(BY, run), WorkerStarting)
    world.called_home(run.run_id, listening=EngineEndpoint(("127.0.0.1",), 4123, "here"))
    key = world.keys.get(run.run_id).receive_key
    assert world.access.wait(BY, run) == WorkerReady(
        run_id=run.run_id, addresses=("127.0.0.1",), port=4123, key=key, machine="here"
    )


def test_an_engine_hears_the_real_reason_why_there_is_no_worker(world: World) -> None:
    run = world.begun()
    treatment = world.runs.get_treatment(run.run_id, "worker")
    world.runs.settle(treatment, TreatmentState.LOST, "the runner was killed", None, world.clock())
    assert world.access.wait(BY, run) == WorkerRefused(["worker lost: the runner was killed"])
    world.runs.finish_run(world.runs.get_run(run.run_id), RunState.FAILED, "worker lost: it was killed", world.clock())
    assert world.access.wait(BY, run) == WorkerRefused(["worker lost: it was killed"])


def test_a_run_that_is_no_worker_has_no_address(world: World) -> None:
    process = world.begun().melodium
    assert process
    recorded = replace(a_run(PARENT), melodium=replace(process, supervised=False))
    world.runs.create_run(recorded)
    assert isinstance(world.access.wait(BY, recorded), WorkerRefused)
