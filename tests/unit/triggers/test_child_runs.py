"""Runs that start other runs: by a treatment, and by their end."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from cadence.application.pipelines.invalid_document import InvalidDocument
from cadence.application.pipelines.plan_run import PlanRun
from cadence.application.pipelines.run_request import RunRequest
from cadence.application.runs.run_ends import NotifyRunEnd
from cadence.application.runs.start_child_run import ChildOutcome, StartChildRun
from cadence.application.runs.start_run import StartRun
from cadence.application.shared.block_values import read_block
from cadence.application.shared.identifiers import child_run_id
from cadence.application.triggers.start_followers import LARGEST_OUTPUTS, outputs
from cadence.domain.pipelines.document import Code, Finding, Severity
from cadence.domain.pipelines.specification import InputSpec, TreatmentKind, TreatmentSpec, TriggerSpec
from cadence.domain.pipelines.versions import PipelineVersion
from cadence.domain.runs.run import MAX_DEPTH, Run, Treatment, Value
from cadence.domain.runs.states import RunState, TreatmentState
from cadence.domain.scheduling.machine_error import MachineError
from cadence.domain.shared.errors import Cancelled, NotFound
from cadence.domain.triggers.triggers import PipelineTrigger, Triggers
from tests.fakes.services import no_document
from tests.unit.scheduling.setting import Setting
from tests.unit.scheduling.test_races import meanwhile

PARENT = "01jd0000000000000000000000"
SHA = "0" * 64


def value(port: str, content: bytes, kind: str = "string", flow: str = "block", size: int | None = None) -> Value:
    return Value(
        run_id=PARENT,
        treatment="build",
        port=port,
        flow=flow,
        type=kind,
        sha256=SHA,
        size=len(content) if size is None else size,
        chunks=1,
        attempt=1,
        preview=content[:4096],
    )


@dataclass
class World:
    """A run whose treatment `go` starts `deploy`."""

    setting: Setting = field(default_factory=Setting)
    given: list[Mapping[str, Any]] = field(default_factory=list)
    problem: Exception | None = None
    depth: int = 0
    event: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        runs, clock = self.setting.runs, self.setting.clock
        parent = Run(
            run_id=PARENT,
            organization="acme",
            project="web",
            pipeline="build",
            state=RunState.RUNNING,
            created_at=clock(),
            document_sha256=SHA,
            plan_sha256=SHA,
            depth=self.depth,
            event=self.event,
        )
        runs.create_run(parent)
        start = StartRun(runs, self.setting.run_gates, self.setting.deadlines, clock)
        self.go = StartChildRun(
            runs=runs,
            values=runs,
            freeze=self.freeze,
            plan=PlanRun(self.setting.documents),
            plan_generated=no_document,
            resume=self.setting.resume,
            start=start,
        )

    def freeze(self, organization: str, project: str, name: str, given: Mapping[str, Any]) -> RunRequest:
        assert (organization, project) == ("acme", "web")
        if self.problem:
            raise self.problem
        self.given.append(given)
        return RunRequest(
            organization=organization,
            project=project,
            pipeline=name,
            document_sha256=SHA,
            plan_sha256=SHA,
            max_duration=60,
            parameters=given,
            pipeline_version=3,
        )

    def act(self, *inputs: InputSpec, wait: bool = False, token: str = "token") -> ChildOutcome | None:
        trigger = TriggerSpec("deploy", {"env": "prod"}, wait)
        spec = TreatmentSpec(name="go", kind=TreatmentKind.TRIGGER, inputs=inputs, trigger=trigger)
        return self.go.start_child(
            Treatment(run_id=PARENT, name="go", state=TreatmentState.READY, waiting=0), spec, token
        )

    @property
    def child(self) -> Run:
        return self.setting.runs.get_run(child_run_id(self.setting.runs.get_run(PARENT), "go"))

    def end(self, state: RunState, cause: str | None = None) -> Run:
        return self.setting.runs.finish_run(self.child, state, cause, self.setting.clock())


def test_inputs_become_parameters_of_the_run_and_both_are_linked():
    world = World()
    world.setting.runs.put_values([value("version", b"1.2\n"), value("count", b"42", "u64")])

    outcome = world.act(
        InputSpec(port="version", flow="block", type="string", source_treatment="build", source_port="version"),
        InputSpec(port="count", flow="block", type="u64", source_treatment="build", source_port="count"),
        InputSpec(port="flag", flow="block", type="bool", literal="true"),
        InputSpec(port="after", flow="block", type="void", source_treatment="build", source_port="completed"),
    )

    assert outcome == ChildOutcome(TreatmentState.SUCCEEDED, None)
    assert world.given == [{"env": "prod", "version": "1.2", "count": 42, "flag": True}]
    assert (world.child.started_by_run, world.child.started_by_treatment, world.child.depth) == (PARENT, "go", 1)
    assert world.child.event == {"kind": "trigger", "run_id": PARENT, "pipeline": "build", "treatment": "go"}


def test_a_retry_finds_the_run_that_it_started():
    world = World()
    world.act()
    world.problem = AssertionError("it is there already")

    assert world.act() == ChildOutcome(TreatmentState.SUCCEEDED, None)
    assert len(world.given) == 1


@pytest.mark.parametrize(
    ("state", "ends", "cause"),
    [
        (RunState.SUCCEEDED, TreatmentState.SUCCEEDED, None),
        (RunState.FAILED, TreatmentState.FAILED, "failed: a failed: no"),
        (RunState.CANCELLED, TreatmentState.CANCELLED, "cancelled: a failed: no"),
        (RunState.TIMED_OUT, TreatmentState.TIMED_OUT, "timed out: a failed: no"),
    ],
)
def test_waiting_it_ends_as_that_run_does(state, ends, cause):
    world = World()
    told = NotifyRunEnd(MemoryPipelines(), MemoryQueue(), world.setting.machines)

    assert world.act(wait=True, token="first") is None
    assert world.act(wait=True, token="second") is None
    told.notify(world.end(state, None if state is RunState.SUCCEEDED else "a failed: no"))

    assert world.setting.machines.answers == {"second": {"next": "again"}}
    outcome = world.act(wait=True, token="third")
    assert outcome is not None
    assert outcome.state is ends
    assert (outcome.cause or "").endswith(cause or "")


def test_what_cannot_be_started_fails_the_treatment_saying_why():
    finding = Finding(
        code=Code.MISSING_PARAMETER,
        severity=Severity.ERROR,
        message="The parameter “x” has to be given.",
        pointer="",
        line=0,
        column=0,
    )
    for problem, words in (
        (NotFound("There is no pipeline 'deploy'."), "no pipeline"),
        (InvalidDocument([finding]), "“x” has to be given"),
    ):
        outcome = World(problem=problem).act()
        assert outcome is not None
        assert outcome.state is TreatmentState.FAILED
        assert words in (outcome.cause or "")


def test_a_value_too_large_for_a_parameter_fails_the_treatment():
    world = World()
    world.setting.runs.put_values([value("wheel", b"x" * 4_096, size=5_000)])

    outcome = world.act(
        InputSpec(port="wheel", flow="block", type="string", source_treatment="build", source_port="wheel")
    )

    assert outcome is not None
    assert "5,000 bytes" in (outcome.cause or "")
    assert world.given == []


def test_runs_that_start_one_another_come_to_an_end():
    outcome = World(depth=MAX_DEPTH).act()

    assert outcome is not None
    assert outcome.state is TreatmentState.FAILED
    assert "loop" in (outcome.cause or "")
    assert World(depth=MAX_DEPTH - 1).act() == ChildOutcome(TreatmentState.SUCCEEDED, None)


def test_what_a_fork_started_stays_a_forks():
    world = World(event={"kind": "pull_request", "fork": True})
    world.act()

    assert world.child.event["fork"] is True


class MemoryPipelines:
    def __init__(self, *triggers: PipelineTrigger) -> None:
        self.triggers = triggers

    def newest(self, organization: str, project: str, name: str) -> PipelineVersion:
        raise AssertionError("all are looked through")

    def version(self, organization: str, project: str, name: str, version: int) -> PipelineVersion:
        raise AssertionError("all are looked through")

    def list_versions(self, organization: str, project: str, name: str) -> list[PipelineVersion]:
        raise AssertionError("only the newest start anything")

    def add_version(self, version: PipelineVersion) -> None:
        raise AssertionError("nothing is stored")

    def list_newest(self, organization: str, project: str) -> list[PipelineVersion]:
        version = PipelineVersion(
            organization=organization,
            project=project,
            name="follower",
            version=1,
            document_sha256=SHA,
            plan_sha256=SHA,
            max_duration=60,
            created_at=Setting().clock(),
            created_by="me",
        )
        return [replace(version, triggers=Triggers(pipeline=self.triggers))]


class MemoryQueue:
    def __init__(self) -> None:
        self.ended: list[str] = []

    def put_ended(self, run_id: str) -> None:
        self.ended.append(run_id)


@pytest.mark.parametrize(
    ("trigger", "state", "version", "told"),
    [
        (PipelineTrigger("build"), RunState.SUCCEEDED, 1, True),
        (PipelineTrigger("build"), RunState.FAILED, 1, False),
        (PipelineTrigger("build", ("failed", "timed_out")), RunState.FAILED, 1, True),
        (PipelineTrigger("other"), RunState.SUCCEEDED, 1, False),
        (PipelineTrigger("build"), RunState.SUCCEEDED, None, False),
    ],
)
def test_only_the_end_of_a_stored_pipelines_run_that_somebody_waits_for_is_told(trigger, state, version, told):
    setting, queue = Setting(), MemoryQueue()
    run = Run(
        run_id=PARENT,
        organization="acme",
        project="web",
        pipeline="build",
        state=state,
        created_at=setting.clock(),
        document_sha256=SHA,
        plan_sha256=SHA,
        pipeline_version=version,
    )

    NotifyRunEnd(MemoryPipelines(trigger), queue, setting.machines).notify(run)

    assert queue.ended == ([PARENT] if told else [])


def test_finalise_tells_of_the_end():
    setting = Setting()
    run = Run(
        run_id=PARENT,
        organization="acme",
        project="web",
        pipeline="build",
        state=RunState.RUNNING,
        created_at=setting.clock(),
        document_sha256=SHA,
        plan_sha256=SHA,
    )
    setting.runs.create_run(run)

    setting.finalise.finalise(PARENT)

    assert [ended.state for ended in setting.ended] == [RunState.SUCCEEDED]


def test_outputs_that_are_passed_on_are_small():
    many = [value(f"p{number:03}", b"x" * 4_000) for number in range(40)]

    found = outputs([*many, value("lines", b"a", flow="stream"), value("long", b"x" * 5_000)])["build"]

    assert "lines" not in found
    assert "long" not in found
    assert sum(map(len, found.values())) <= LARGEST_OUTPUTS
    assert len(found) == LARGEST_OUTPUTS // 4_002


@pytest.mark.parametrize(
    ("content", "kind", "read"),
    [
        (b"text\n", "string", "text"),
        (b"two\nlines\n", "string", "two\nlines"),
        (b"42", "u64", 42),
        (b"[1, 2]\n", "Vec<u8>", [1, 2]),
        (b"", "void", None),
        (b"null", "Option<string>", None),
        (b"no json", "u8", "no json"),
        (b"\xff", "byte", "\ufffd"),
    ],
)
def test_what_a_block_stands_for(content, kind, read):
    assert read_block(content, kind) == read


def waiting(*, wait: bool = True) -> World:
    """A world where the machine of `go` can act."""
    world = World()
    setting = world.setting
    setting.act = replace(setting.act, start_child=world.go)
    trigger = TreatmentSpec(name="go", kind=TreatmentKind.TRIGGER, trigger=TriggerSpec("deploy", {}, wait))
    setting.runs.admit(
        PARENT,
        (trigger,),
        (Treatment(run_id=PARENT, name="go", state=TreatmentState.READY, waiting=0, kind=TreatmentKind.TRIGGER),),
        (),
    )
    return world


def cancel(world: World) -> None:
    world.setting.runs.request_stop(PARENT, RunState.CANCELLED, "cancelled by alice")
    world.setting.stop_run.stop(PARENT, "stop", MachineError("Cancelled", "cancelled by alice"))


def looked_at(world: World) -> None:
    """What the watchdog was asked to look at, it looks at."""
    asked, world.setting.deadlines.runs = world.setting.deadlines.runs, []
    for run_id, _ in asked:
        world.setting.watchdog.run(run_id)


def state(world: World) -> TreatmentState:
    return world.setting.runs.get_treatment(PARENT, "go").state


def test_the_machine_of_a_waiting_treatment_goes_on_when_the_run_has_ended():
    world = waiting()
    setting = world.setting

    setting.act.control(PARENT, "go", "one")
    assert setting.machines.answers == {}
    assert setting.runs.get_treatment(PARENT, "go").state is TreatmentState.RUNNING

    NotifyRunEnd(MemoryPipelines(), MemoryQueue(), setting.machines).notify(world.end(RunState.FAILED, "a failed: no"))
    assert setting.machines.answers == {"one": {"next": "again"}}

    setting.act.control(PARENT, "go", "two")
    assert setting.machines.answers["two"] == {"next": "done"}
    assert setting.runs.get_treatment(PARENT, "go").state is TreatmentState.FAILED
    assert "a failed: no" in (setting.runs.get_treatment(PARENT, "go").cause or "")


@pytest.mark.parametrize("began", [True, False])
def test_cancelling_cancels_the_run_that_is_waited_for(began):
    world = waiting()
    setting = world.setting
    setting.act.control(PARENT, "go", "one")
    if began:
        setting.runs.begin_run(world.child.run_id, "token of the child", setting.clock())

    cancel(world)
    assert state(world) is TreatmentState.CANCELLED
    looked_at(world)

    assert world.child.stop_requested is RunState.CANCELLED
    assert world.child.cause == f"cancelled by alice (go of run {PARENT} waited for it)"
    if began:
        assert isinstance(setting.machines.answers["token of the child"], Cancelled)
    else:
        assert world.child.state is RunState.CANCELLED
        assert setting.machines.answers["one"] == {"next": "again"}
    setting.act.control(PARENT, "go", "two")
    assert setting.machines.answers["two"] == {"next": "done"}


@pytest.mark.parametrize("moment", ["create_run", "keep_waiting_token"])
def test_a_run_that_is_being_started_when_its_treatment_is_cancelled_is_cancelled(moment, monkeypatch):
    world = waiting()
    meanwhile(monkeypatch, world.setting.runs, moment, lambda: cancel(world))

    world.setting.act.control(PARENT, "go", "one")
    looked_at(world)

    assert state(world) is TreatmentState.CANCELLED
    assert world.child.state is RunState.CANCELLED
    assert world.setting.machines.answers["one"] in ({"next": "done"}, {"next": "again"})


def test_a_treatment_that_is_cancelled_before_it_acts_starts_nothing(monkeypatch):
    world = waiting()
    meanwhile(monkeypatch, world.setting.runs, "advance", lambda: cancel(world))

    world.setting.act.control(PARENT, "go", "one")

    assert state(world) is TreatmentState.CANCELLED
    assert world.given == []


def test_a_treatment_that_begins_while_it_is_cancelled_is_cancelled(monkeypatch):
    world = waiting()
    meanwhile(monkeypatch, world.setting.runs, "settle", lambda: world.setting.act.control(PARENT, "go", "one"))

    cancel(world)

    assert state(world) is TreatmentState.CANCELLED


def test_a_run_that_nobody_waits_for_goes_on():
    world = waiting(wait=False)
    world.setting.act.control(PARENT, "go", "one")

    cancel(world)

    assert world.child.stop_requested is None


def test_a_run_that_is_cancelled_before_it_began_lets_its_treatment_go_on():
    world = waiting()
    world.setting.act.control(PARENT, "go", "one")
    world.setting.runs.note_waiting(world.child.run_id, "its turn")

    world.setting.run_gates.cancel(world.child.run_id, "cancelled by bob")

    assert world.setting.machines.answers == {"one": {"next": "again"}}


def test_a_run_that_ended_without_telling_is_told_of_by_the_watchdog():
    world = waiting()
    world.setting.act.control(PARENT, "go", "one")
    world.end(RunState.FAILED)

    looked_at(world)

    assert world.setting.machines.answers == {"one": {"next": "again"}}
