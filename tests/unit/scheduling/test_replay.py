"""A replay through the same scheduler: one treatment, its producers standing for what they had sent."""

import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest

from cadence.application.melodium.capture_element import CaptureElement, StoredProcess
from cadence.application.pipelines.run_request import RunRequest
from cadence.application.replay.replay_treatment import FindOriginal, Original, Replay
from cadence.application.runners.input_streams import InputStreams, StreamSource
from cadence.application.runs.run_ends import NotifyRunEnd
from cadence.application.runs.start_run import StartRun
from cadence.domain.melodium.element import ElementSpec
from cadence.domain.melodium.process import MelodiumRun
from cadence.domain.melodium.specification import ProgramSpec
from cadence.domain.pipelines.specification import (
    InputSpec,
    OutputSpec,
    RetrySpec,
    ServiceSpec,
    TreatmentKind,
    TreatmentSpec,
    TriggerSpec,
)
from cadence.domain.runners.runner import RunnerOutcome
from cadence.domain.runs.run import Origin, ReplayOf, Treatment, Value
from cadence.domain.runs.states import RunState, TreatmentState
from cadence.domain.shared import ids
from cadence.domain.shared.errors import Conflict, Gone, InvalidRequest, NotFound
from cadence.domain.values.stream import InputState
from tests.fakes.runs import a_run
from tests.fakes.workers import one_by_one
from tests.unit.scheduling.setting import RUN, Setting, on, spec, stream

S = TreatmentState
NEXT = "01b"


class Secrets:
    def __init__(self, *kept: tuple[str, int]) -> None:
        self.kept = kept

    def has(self, organization: str, project: str, name: str, version: int) -> bool:
        return (name, version) in self.kept


class NoProcesses:
    def get(self, run_id: str) -> StoredProcess | None:
        return None


@dataclasses.dataclass
class World:
    setting: Setting
    secrets: Any = dataclasses.field(default_factory=Secrets)
    capture: Any = None

    def ended(self, *specs: TreatmentSpec, failing: str = "", **run: Any) -> None:
        setting = self.setting
        setting.admitted(*specs)
        setting.runs.runs[RUN] = dataclasses.replace(setting.runs.runs[RUN], **run)
        for one in specs:
            if setting.state(one.name) is S.READY:
                setting.chunks.write(ids.chunk_key(RUN, one.name, 1, "out", 0), b"abc")
                setting.done(one.name, RunnerOutcome.FAILED if one.name == failing else RunnerOutcome.SUCCEEDED, "why")

    def replay(self, name: str, run_id: str = RUN, **how: Any) -> tuple[Original, RunRequest]:
        setting = self.setting
        capture: Any = self.capture or CaptureElement(NoProcesses(), setting.documents)
        find = FindOriginal(
            runs=setting.runs,
            treatments=setting.runs,
            values=setting.runs,
            runners=setting.runners,
            chunks=setting.chunks,
            capture=capture,
            workers=one_by_one,
        )
        use_case = Replay(find, setting.documents, self.secrets, setting.pools)
        return use_case.start(setting.runs.get_run(run_id), name, **how)

    def started(self, name: str, run_id: str = NEXT, of: str = RUN, **how: Any) -> Original:
        setting = self.setting
        original, frozen = self.replay(name, of, **how)
        start = StartRun(setting.runs, setting.run_gates, setting.deadlines, setting.clock)
        start.start(run_id, frozen, original.run.event, "ada")
        setting.admit.admit(run_id, "token")
        return original

    def source(self, name: str) -> StreamSource:
        """Where the first input of the replay comes from."""
        streams = InputStreams(treatments=self.setting.runs, values=self.setting.runs, streams=self.setting.streams)  # type: ignore[arg-type]
        return streams.find(NEXT, self.setting.runs.get_spec(NEXT, name).inputs[0])

    def states(self, run_id: str = NEXT) -> dict[str, TreatmentState]:
        return {treatment.name: treatment.state for treatment in self.setting.runs.list_treatments(run_id)}


@pytest.fixture
def world(setting: Setting) -> World:
    return World(setting)


CHAIN = (
    spec("a"),
    spec("other"),
    spec(
        "b",
        stream("a"),
        after=("other",),
        when="true",
        when_over=("other",),
        retry=RetrySpec(infrastructure=2, failure=0, timeout=1),
    ),
    spec("c", stream("b")),
    spec("alarm", on("b", "failed"), outputs=()),
)


def test_only_the_treatment_runs_and_reads_what_it_had_read(world: World) -> None:
    world.ended(*CHAIN)
    world.started("b")
    assert world.states() == {"a": S.SUCCEEDED, "b": S.READY}
    assert (NEXT, "b") in world.setting.machines.treatments
    assert (NEXT, "a") not in world.setting.machines.treatments
    source = world.source("b")
    assert source.state is InputState.ENDED
    assert source.prefix == ids.chunk_prefix(RUN, "a", 1, "out")
    run = world.setting.runs.get_run(NEXT)
    assert (run.replay_of, run.rerun_of) == (ReplayOf(RUN, "b"), None)


def test_it_has_the_environment_of_then_and_is_not_tried_again_for_what_it_ended_with(world: World) -> None:
    world.ended(*CHAIN)
    world.started("b", pool="near", offline=True)
    frozen = world.setting.runs.get_spec(NEXT, "b")
    assert frozen.env == {"CADENCE_RUN_ID": RUN, "CADENCE_ATTEMPT": "1"}
    assert (frozen.after, frozen.when, frozen.when_over) == ((), None, ())
    assert frozen.retry == RetrySpec(infrastructure=2)
    assert (frozen.pools, frozen.offline) == (("near",), True)


def test_what_a_trigger_told_is_there_although_its_producer_failed(world: World) -> None:
    world.ended(*CHAIN, failing="b")
    world.started("alarm")
    assert world.states() == {"b": S.SUCCEEDED, "alarm": S.READY}
    assert world.source("alarm").state is InputState.ENDED


def test_a_failed_treatment_is_replayed(world: World) -> None:
    world.ended(*CHAIN, failing="b")
    world.started("b")
    assert world.states()["b"] is S.READY


def test_a_replay_of_a_replay_and_of_what_it_took_over(world: World) -> None:
    world.ended(*CHAIN)
    world.started("b")
    assert world.replay("a", NEXT)[0].reference == ReplayOf(RUN, "a")
    world.setting.chunks.write(ids.chunk_key(NEXT, "b", 1, "out", 0), b"abc")
    world.setting.runs.treatments[NEXT, "b"] = dataclasses.replace(
        world.setting.runs.treatments[NEXT, "b"], state=S.SUCCEEDED, started_at=world.setting.clock.now
    )
    original = world.started("b", "01c", of=NEXT)
    assert original.reference == ReplayOf(NEXT, "b")
    assert world.setting.runs.get_value("01c", "a", "out").kept_from == RUN


def test_nothing_follows_from_a_replay(world: World) -> None:
    world.ended(*CHAIN, pipeline_version=3, concurrency_group="main")
    world.started("b")
    run = world.setting.runs.get_run(NEXT)
    assert run.concurrency_group is None

    class Pipelines:
        def list_newest(self, organization: str, project: str) -> Any:
            raise AssertionError("nobody asks what would start")

    class Queue:
        def put_ended(self, run_id: str) -> None:
            raise AssertionError("nobody is told")

    notify = NotifyRunEnd(Pipelines(), Queue(), world.setting.machines)  # type: ignore[arg-type]
    notify.notify(dataclasses.replace(run, state=RunState.SUCCEEDED))


def test_what_cannot_be_replayed_says_why(world: World) -> None:
    group = TreatmentSpec(name="group", kind=TreatmentKind.GATHER, instances=("i:1", "i:2"))
    each = TreatmentSpec(
        name="each",
        kind=TreatmentKind.EACH,
        each="items",
        inputs=(InputSpec(port="items", flow="block", type="Vec<string>"),),
    )
    other = TreatmentSpec(name="start", kind=TreatmentKind.TRIGGER, trigger=TriggerSpec("deploy"))
    skipped = spec("skipped", never="it never runs")
    world.ended(group, each, other, skipped, spec("i:1"), spec("i:2"), *CHAIN)
    for name, words in {
        "group": "replay one of its instances: i:1, i:2",
        "each": "as each:0",
        "start": "starts a run of deploy",
        "skipped": r"never ran \(it never runs\)",
        "c": "c is ready: it can be replayed once it has ended",
    }.items():
        if name == "c":
            world.setting.runs.treatments[RUN, "c"] = dataclasses.replace(
                world.setting.runs.treatments[RUN, "c"], state=S.READY
            )
        with pytest.raises(Conflict, match=words):
            world.replay(name)
    with pytest.raises(NotFound, match="no treatment 'none'"):
        world.replay("none")
    world.started("i:1")
    assert world.states() == {"i:1": S.READY}


def test_what_has_services_cannot_be_cut_off_the_network(world: World) -> None:
    world.ended(spec("a", services=(ServiceSpec(name="db", image="postgres:16@sha256:" + "ab" * 32),)))
    world.started("a")
    with pytest.raises(Conflict, match="has services"):
        world.replay("a", offline=True)


def test_what_was_never_complete_cannot_be_read_again(world: World) -> None:
    world.ended(*CHAIN)
    del world.setting.runs.values[RUN, "a", "out"]
    world.setting.runs.treatments[RUN, "a"] = dataclasses.replace(
        world.setting.runs.treatments[RUN, "a"], state=S.FAILED
    )
    with pytest.raises(Conflict, match="what a sent through out was never complete: a ended failed"):
        world.replay("b")


def test_what_is_no_longer_kept_is_named(world: World) -> None:
    world.ended(*CHAIN)
    world.setting.chunks.contents.clear()
    with pytest.raises(Gone, match=r"what it read is no longer kept: a\.out") as raised:
        world.replay("b")
    assert raised.value.details == {"missing": ["a.out"]}


def test_secrets_are_those_of_then(world: World) -> None:
    world.ended(spec("a", secrets={"TOKEN": "git-read", "KEY": "deploy"}))
    runner = ids.runner_id(RUN, "a", 1)
    world.setting.runners.runners[runner] = dataclasses.replace(
        world.setting.runners.runners[runner], secret_versions={"git-read": 2}
    )
    with pytest.raises(Gone, match="version 2 of the secret git-read is no longer kept"):
        world.replay("a")
    world.secrets = Secrets(("git-read", 2))
    original = world.started("a")
    assert world.setting.runs.get_spec(NEXT, "a").secret_versions == {"git-read": 2}
    assert original.unlike == ["The version of the secret deploy that it had is not known: it gets today's."]


def test_pools_that_are_not_there(world: World) -> None:
    world.ended(spec("a", pools=("near",)))
    world.setting.pools.pools = [dataclasses.replace(world.setting.pools.pools[0], name="far")]
    with pytest.raises(Gone, match="ran in the pools near, which are no longer there"):
        world.replay("a")
    with pytest.raises(InvalidRequest, match="no pool 'moon'"):
        world.replay("a", pool="moon")
    world.started("a", pool="far")


def test_images_of_then(world: World) -> None:
    world.setting.admit = dataclasses.replace(world.setting.admit, pin_images=lambda run: run)
    digest = "sha256:" + "ab" * 32
    world.ended(spec("a", image="localhost:5000/tool:3"), spec("local", image="localhost/mine"))
    for name in ("a", "local"):
        runner = ids.runner_id(RUN, name, 1)
        known = world.setting.runners.runners[runner]
        assert known.result is not None
        world.setting.runners.runners[runner] = dataclasses.replace(
            known, result=dataclasses.replace(known.result, image_digest=digest)
        )
    world.started("a")
    assert world.setting.runs.get_spec(NEXT, "a").image == f"localhost:5000/tool@{digest}"
    original = world.started("local", "01c")
    assert world.setting.runs.get_spec("01c", "local").image == "localhost/mine"
    (told,) = original.unlike
    assert told.startswith("It runs in the image that localhost/mine is on its runner today (then sha256:abababababab)")


def test_an_output_that_an_each_treatment_reads_wakes_nobody(world: World) -> None:
    growing = OutputSpec(port="out", flow="stream", type="string", grows=("each",))
    world.ended(spec("a", outputs=(growing,)))
    world.started("a")
    assert world.setting.runs.get_spec(NEXT, "a").outputs == (OutputSpec(port="out", flow="stream", type="string"),)


def test_a_treatment_inside_of_an_engine_runs_under_a_name_that_can_be_scheduled() -> None:
    """What is shown of engines only is listed apart, so that nothing of it is ever started."""
    world = World(Setting())
    setting = world.setting
    element = ElementSpec(treatment="std/flow::count", track=0)
    made, read = (spec(name, kind=TreatmentKind.ELEMENT, element=element) for name in ("main/say#7", "main/read"))
    setting.runs.create_run(
        dataclasses.replace(
            a_run(RUN), melodium=MelodiumRun(group_id="group", position="1", version="0.10.2", mode="direct")
        )
    )
    ended: Any = {"started_at": setting.clock.now, "finished_at": setting.clock.now}
    states = [
        Treatment(run_id=RUN, name=one.name, state=S.SUCCEEDED, waiting=0, kind=TreatmentKind.ELEMENT, **ended)
        for one in (made, read)
    ]
    setting.runs.put_elements(RUN, list(zip((made, read), states, strict=True)), [])
    setting.chunks.write(ids.chunk_key(RUN, "main/say#7", 1, "out", 0), b"1\n")
    value = Value(
        run_id=RUN,
        treatment="main/say#7",
        port="out",
        flow="stream",
        type="u64",
        sha256="a" * 64,
        size=2,
        chunks=1,
        attempt=1,
        preview=b"1\n",
        created_at=setting.clock.now,
    )
    setting.runs.put_values([value])
    captured = TreatmentSpec(
        name="main/read",
        inputs=(InputSpec(port="in", flow="stream", type="byte", source_treatment="main/say#7", source_port="out"),),
        outputs=(OutputSpec(port="out", flow="stream", type="byte"),),
        engine=ProgramSpec(
            program="sha", entrypoint="read", treatment="x::read", version="0.10.2", captured={"out": "u64"}
        ),
    )
    world.capture = SimpleNamespace(capture=lambda run, of: captured)
    original = world.started("main/read")
    assert (original.reference.treatment, original.run.run_id) == ("main/read", RUN)
    assert world.states() == {"main.read": S.READY, "main.say-7": S.SUCCEEDED}
    source = setting.runs.get_value(NEXT, "main.say-7", "out")
    assert (source.origin, source.chunk_key(0)) == (Origin(RUN, "main/say#7", "out"), value.chunk_key(0))
