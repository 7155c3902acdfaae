"""Runs of documents that a treatment sends."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from cadence.application.pipelines.check_document import CheckDocument, FreezeDocument
from cadence.application.pipelines.fetch_libraries import OwnFiles
from cadence.application.pipelines.plan_run import PlanRun
from cadence.application.pipelines.programs import SentProgram
from cadence.application.runs.generated_run import PlanGenerated
from cadence.application.runs.start_child_run import ChildOutcome, StartChildRun
from cadence.application.runs.start_run import StartRun
from cadence.application.shared.identifiers import child_run_id
from cadence.application.shared.secret_ports import SecretDescription
from cadence.domain.limits.environment_set import EnvironmentSet
from cadence.domain.pipelines import plan
from cadence.domain.pipelines.document import LARGEST_GENERATED, Reference, Unavailable
from cadence.domain.pipelines.forks import NOT_RUN, withhold
from cadence.domain.pipelines.specification import (
    SOURCE_PORT,
    InputSpec,
    SourceSelection,
    StoredContent,
    TreatmentKind,
    TreatmentSpec,
    TriggerSpec,
)
from cadence.domain.runs.rerun_reuse import ReusedTreatments, encode, taken_over
from cadence.domain.runs.run import Run, Treatment, Value
from cadence.domain.runs.states import RunState, TreatmentState
from cadence.domain.values.value_retention import ValueCapture, ValueRetention
from tests.fakes.services import no_pipeline
from tests.unit.scheduling.setting import Setting

PARENT = "01jd0000000000000000000000"
PUSH = {"kind": "push", "branch": "main", "commit": "c0ffee", "repository_id": "r-1"}
VALID = "cadence: 1\nname: tests\nconcurrency: {group: one}\ntreatments:\n  a: {run: x}\n"
FILES = StoredContent(prefix="files/", size=1, sha256="f" * 64, chunks=1)
SOME_FILES = StoredContent(prefix="some/", size=1, sha256="e" * 64, chunks=1)


class OfProject:
    """A project with the secret `key` and without environments, libraries and programs."""

    def names(self, organization: str, project: str) -> Sequence[SecretDescription]:
        assert (organization, project) == ("acme", "web")
        return [SecretDescription(name="key", version=1, updated_at=Setting().clock())]

    def shared(self, organization: str) -> Sequence[SecretDescription]:
        return []

    def list_environments(self, organization: str, project: str) -> Sequence[EnvironmentSet]:
        return []

    def libraries(
        self,
        organization: str,
        project: str,
        source: bytes | str,
        own_files: OwnFiles | None = None,
        *,
        with_token: bool = True,
    ) -> Mapping[Reference, bytes | Unavailable]:
        return {}

    def named(
        self, organization: str, project: str, source: str, given: Mapping[str, SentProgram]
    ) -> Mapping[str, Unavailable]:
        return {}


@dataclass
class World:
    """A run whose treatment `go` runs the document that `write` sent."""

    content: bytes = VALID.encode()
    event: Mapping[str, Any] = field(default_factory=lambda: PUSH)
    setting: Setting = field(default_factory=Setting)
    retention: ValueRetention | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        setting, of_project = self.setting, OfProject()
        runs, documents = setting.runs, setting.documents
        source = (
            InputSpec(port=SOURCE_PORT, flow="stream", type="byte", stored=FILES),
            InputSpec(
                port=SOURCE_PORT,
                flow="stream",
                type="byte",
                stored=SOME_FILES,
                selection=SourceSelection(paths=("docs",)),
            ),
        )
        own = (TreatmentSpec(name="write", inputs=source[:1]), TreatmentSpec(name="other", inputs=source[1:]))
        runs.create_run(
            Run(
                run_id=PARENT, organization="acme", project="web", pipeline="build", state=RunState.RUNNING,
                created_at=setting.clock(), document_sha256="0" * 64, plan_sha256=documents.put(plan.encode(own)),
                event=self.event, created_by="alice",
            )
        )  # fmt: skip
        value = Value(
            run_id=PARENT, treatment="write", port="pipeline", flow="block", type="string",
            sha256=hashlib.sha256(self.content).hexdigest(), size=len(self.content), chunks=1, attempt=1,
            preview=self.content[:4096], retention=self.retention,
        )  # fmt: skip
        runs.put_values([value])
        setting.chunks.write(value.chunk_key(0), self.content)
        check = CheckDocument(
            pools=setting.pools, secrets=of_project, libraries=of_project.libraries, environments=of_project,
            programs=of_project,  # type: ignore[arg-type]
        )  # fmt: skip
        planning = PlanRun(documents)
        generated = PlanGenerated(
            values=runs, chunks=setting.chunks, documents=documents, freeze=FreezeDocument(check, documents), plan=planning
        )  # fmt: skip
        start = StartRun(runs, setting.run_gates, setting.deadlines, setting.clock)
        self.go = StartChildRun(
            runs=runs, values=runs, freeze=no_pipeline, plan=planning, plan_generated=generated.plan_generated,
            resume=setting.resume, start=start,
        )  # fmt: skip
        self.spec = TreatmentSpec(
            name="go",
            kind=TreatmentKind.TRIGGER,
            inputs=(
                InputSpec(
                    port="pipeline", flow="block", type="string", source_treatment="write", source_port="pipeline"
                ),
                InputSpec(port="flag", flow="block", type="bool", literal="true"),
            )[: 2 if self.parameters else 1],
            trigger=TriggerSpec(document="pipeline", parameters=self.parameters, wait=True),
        )
        self.treatment = Treatment(
            run_id=PARENT, name="go", state=TreatmentState.READY, waiting=0, kind=TreatmentKind.TRIGGER
        )

    def act(self, token: str = "token") -> ChildOutcome | None:
        return self.go.start_child(self.treatment, self.spec, token)

    def refused(self) -> str:
        outcome = self.act()
        assert outcome is not None
        assert outcome.state is TreatmentState.FAILED
        assert self.children() == []
        return outcome.cause or ""

    def children(self) -> list[Run]:
        return [run for run in self.setting.runs.runs.values() if run.run_id != PARENT]

    @property
    def child(self) -> Run:
        return self.setting.runs.get_run(child_run_id(self.setting.runs.get_run(PARENT), "go"))

    @property
    def specs(self) -> Sequence[TreatmentSpec]:
        return plan.decode(self.setting.documents.get(self.child.plan_sha256))


def test_a_document_becomes_a_run_that_is_part_of_its_run() -> None:
    world = World()

    assert world.act() is None

    child = world.child
    assert child.generated
    assert (child.pipeline, child.pipeline_version, child.created_by) == ("tests", None, "alice")
    assert (child.started_by_run, child.started_by_treatment, child.depth) == (PARENT, "go", 1)
    assert (child.event, child.concurrency_group) == (PUSH, None)
    assert world.setting.documents.get(child.document_sha256) == world.content
    assert [spec.name for spec in world.specs] == ["a"]


def test_inputs_and_parameters_become_those_of_the_document() -> None:
    document = VALID + "parameters: {flag: {type: bool}, who: {type: string}}\n"
    world = World(document.encode(), parameters={"who": "ada"})

    assert world.act() is None
    assert world.child.parameters == {"flag": True, "who": "ada"}


@pytest.mark.parametrize("moment", ["put", "create_run", "start_run", "keep_waiting_token"])
def test_a_step_that_dies_after_a_write_is_repeated_and_starts_one_run(
    moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World()
    setting = world.setting
    stores = {"put": setting.documents, "start_run": setting.machines}
    store = stores.get(moment, setting.runs)
    works = getattr(store, moment)

    def dies(*arguments: Any, **named: Any) -> None:
        works(*arguments, **named)
        raise RuntimeError("the process ended")

    with monkeypatch.context() as broken:
        broken.setattr(store, moment, dies)
        with pytest.raises(RuntimeError):
            world.act("lost")
    assert world.act("kept") is None

    for run_id, _ in list(setting.deadlines.runs):
        setting.watchdog.run(run_id)
    assert [run.run_id for run in world.children()] == [world.child.run_id]
    assert world.child.waiting_token == "kept"
    assert list(setting.machines.runs) == [world.child.run_id]


def test_a_refused_document_says_where_and_starts_nothing() -> None:
    document = "cadence: 1\nname: tests\ntreatments:\n  a: {run: x, pools: [nowhere]}\n  b: {run: x, secrets: {T: stolen}}\n  c: {after: [d], run: x}\n"
    cause = World(document.encode()).refused().splitlines()

    assert cause[0] == "the document is not valid:"
    assert [line.partition(": ")[0] for line in cause[1:]] == [
        "write.pipeline:4:23", "write.pipeline:5:28", "write.pipeline:6:15"
    ]  # fmt: skip
    assert "no pool “nowhere”" in cause[1]
    assert "stolen" in cause[2]


def test_only_the_first_errors_are_told() -> None:
    treatments = "".join(f"  t{number}: {{run: x, pools: [nowhere]}}\n" for number in range(8))
    cause = World(f"cadence: 1\nname: tests\ntreatments:\n{treatments}".encode()).refused().splitlines()
    assert (len(cause), cause[-1]) == (7, "and 3 more")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe", "not encoded in UTF-8"),
        (b"", "the document is not valid"),
        (b"cadence: 1\nname: [", "the document is not valid"),
        (b" " * (LARGEST_GENERATED + 1), "1,000,001 bytes; a document can have at most 1,000,000"),
        (VALID.encode() + b"  b: {trigger: {pipeline: deploy}}\n", "starts a run"),
        (VALID.encode() + b"parameters: {x: {type: string}}\n", "“x”"),
    ],
    ids=["encoding", "empty", "syntax", "size", "trigger", "parameter"],
)
def test_what_cannot_be_run_fails_the_treatment(content: bytes, words: str) -> None:
    assert words in World(content).refused()


def test_a_document_that_is_not_kept_cannot_be_run() -> None:
    world = World(retention=ValueRetention("vault", ValueCapture.NONE))
    assert "cannot be kept" in world.refused()


def test_a_document_whose_content_was_removed_cannot_be_run() -> None:
    world = World()
    world.setting.chunks.contents.clear()
    assert "no longer kept" in world.refused()


def test_what_a_fork_writes_is_not_run() -> None:
    world = World(event={"kind": "pull_request", "fork": True})
    stored = replace(world.spec, trigger=TriggerSpec(pipeline="deploy"))
    assert [spec.never for spec in withhold([world.spec, stored], world.event)] == [NOT_RUN, None]
    assert withhold([world.spec], PUSH) == (world.spec,)


def test_it_gets_the_files_that_its_run_has_and_no_others() -> None:
    world = World((VALID + "  b: {run: x, source: true}\n  c: {run: x, source: {paths: [docs]}}\n").encode())
    assert world.act() is None
    assert [port.stored for spec in world.specs for port in spec.inputs] == [FILES, SOME_FILES]

    cause = World((VALID + "  b: {run: x, source: {paths: [src]}}\n").encode()).refused()
    assert "the run itself has not received these files" in cause


def test_it_waits_for_no_place_among_the_running_runs() -> None:
    world = World()
    setting = world.setting
    setting.quotas.quotas = replace(setting.quotas.get_quotas("acme"), max_running_runs=0)

    assert world.act() is None

    assert list(setting.machines.runs) == [world.child.run_id]
    ended = setting.runs.finish_run(world.child, RunState.SUCCEEDED, None, setting.clock())
    setting.run_gates.leave(ended)
    assert world.act("again") == ChildOutcome(TreatmentState.SUCCEEDED, None)


def test_its_failure_is_the_treatments() -> None:
    world = World()
    assert world.act() is None
    world.setting.runs.finish_run(world.child, RunState.FAILED, "a failed: no", world.setting.clock())

    outcome = world.act("again")

    assert outcome == ChildOutcome(TreatmentState.FAILED, f"run {world.child.run_id} of tests failed: a failed: no")


TWO = "cadence: 1\nname: tests\ntreatments:\n  a: {run: x}\n  b: {run: x}\n"
LATER, LATEST = "01jd0000000000000000000001", "01jd0000000000000000000002"


def with_failed_child(content: str = TWO) -> World:
    """A world whose generated run has ended: `a` of it succeeded, `b` failed."""
    world = World(content.encode())
    assert world.act() is None
    setting, child = world.setting, world.child
    setting.admit.admit(child.run_id, "token")
    for name, state in (("a", TreatmentState.SUCCEEDED), ("b", TreatmentState.FAILED)):
        setting.runs.settle(setting.runs.get_treatment(child.run_id, name), state, None, None, setting.clock())
    setting.runs.finish_run(setting.runs.get_run(child.run_id), RunState.FAILED, "b failed", setting.clock())
    return world


def repeated(world: World, run_id: str, earlier: str, reused: ReusedTreatments | None) -> Run:
    """Starts the run of `go` in a rerun of `earlier`, which takes over `write`; returns the generated run."""
    runs, documents = world.setting.runs, world.setting.documents
    kept = documents.put(encode(reused)) if reused else None
    runs.create_run(replace(runs.get_run(PARENT), run_id=run_id, rerun_of=earlier, kept_sha256=kept))
    runs.put_values([taken_over(value, run_id) for value in runs.list_values(earlier)])
    assert world.go.start_child(replace(world.treatment, run_id=run_id), world.spec, "token") is None
    return runs.get_run(child_run_id(runs.get_run(run_id), "go"))


def states_of(world: World, child: Run) -> Mapping[str, TreatmentState]:
    world.setting.admit.admit(child.run_id, "token")
    return {treatment.name: treatment.state for treatment in world.setting.runs.list_treatments(child.run_id)}


RESUMES = ReusedTreatments({"write": PARENT, "other": PARENT}, resumed=["go"])


def test_a_rerun_of_what_failed_keeps_what_succeeded_in_the_generated_run() -> None:
    world = with_failed_child()

    again = repeated(world, LATER, PARENT, RESUMES)

    assert (again.rerun_of, again.generated, again.started_by_run) == (world.child.run_id, True, LATER)
    assert states_of(world, again) == {"a": TreatmentState.SUCCEEDED, "b": TreatmentState.READY}
    assert world.setting.runs.get_treatment(again.run_id, "a").kept_from == world.child.run_id


def test_a_rerun_that_was_cancelled_before_it_came_there_is_passed_over() -> None:
    world = with_failed_child()
    runs = world.setting.runs
    kept = world.setting.documents.put(encode(RESUMES))
    runs.create_run(replace(runs.get_run(PARENT), run_id=LATER, rerun_of=PARENT, kept_sha256=kept))
    runs.put_values([taken_over(value, LATER) for value in runs.list_values(PARENT)])

    assert repeated(world, LATEST, LATER, RESUMES).rerun_of == world.child.run_id


@pytest.mark.parametrize(
    "reused", [None, ReusedTreatments({"write": PARENT})], ids=["in full", "from what the treatment depends on"]
)
def test_a_rerun_that_runs_the_treatment_for_another_reason_runs_the_document_in_full(
    reused: ReusedTreatments | None,
) -> None:
    world = with_failed_child()

    again = repeated(world, LATER, PARENT, reused)

    assert again.rerun_of is None
    assert states_of(world, again) == {"a": TreatmentState.READY, "b": TreatmentState.READY}


def test_another_document_runs_in_full() -> None:
    world = with_failed_child()
    world.setting.runs.runs[world.child.run_id] = replace(world.child, document_sha256="0" * 64)

    assert repeated(world, LATER, PARENT, RESUMES).rerun_of is None


def test_a_generated_run_that_has_not_ended_is_not_resumed() -> None:
    world = World(TWO.encode())
    assert world.act() is None

    assert repeated(world, LATER, PARENT, RESUMES).rerun_of is None
