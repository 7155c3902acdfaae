"""A run that a webhook, a schedule or another run's end starts is always there, even if it cannot be planned."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from cadence.application.pipelines.invalid_document import InvalidDocument
from cadence.application.pipelines.plan_run import PlanRun
from cadence.application.pipelines.run_request import RunRequest, Unplanned
from cadence.application.runs.start_run import Ancestry, StartRun
from cadence.application.triggers.start_triggered import StartTriggered
from cadence.domain.pipelines import plan
from cadence.domain.pipelines.document import bind_parameters, validate
from cadence.domain.pipelines.versions import PipelineVersion
from cadence.domain.runs.run import Run
from cadence.domain.runs.states import RunState
from cadence.domain.shared.errors import NotFound
from tests.unit.scheduling.setting import Setting

DOCUMENT = "cadence: 1\nname: p\nparameters: {v: {type: string, default: x}}\ntreatments: {a: {run: x, env: {T: '${{ event.tag }}', V: '${{ parameters.v }}'}}}\n"
SHA = "d" * 64
VERSION = PipelineVersion(
    organization="acme",
    project="web",
    name="p",
    version=3,
    document_sha256=SHA,
    plan_sha256="",
    max_duration=60,
    created_at=datetime(2030, 1, 1, tzinfo=UTC),
    created_by="ada",
    parameters={"v": "x"},
)
RUN = "01" + "a" * 24


@dataclass
class Freezes:
    """Stands for the check of a stored version."""

    problem: Exception | None = None
    asked: list[Mapping[str, Any]] = field(default_factory=list)

    def of(self, version: PipelineVersion, given: Mapping[str, Any]) -> RunRequest:
        self.asked.append(given)
        if self.problem:
            raise self.problem
        pipeline = validate(DOCUMENT).pipeline
        assert pipeline is not None
        bound = bind_parameters(pipeline, given)
        if bound.findings:
            raise InvalidDocument(bound.findings)
        return RunRequest(
            organization="acme",
            project="web",
            pipeline="p",
            document_sha256=SHA,
            plan_sha256="",
            max_duration=60,
            parameters=bound.values,
            pipeline_version=version.version,
            unplanned=Unplanned(pipeline, None),
        )


@dataclass
class Stage:
    setting: Setting = field(default_factory=Setting)
    freezes: Freezes = field(default_factory=Freezes)

    def start(self, event: Mapping[str, Any], given: Mapping[str, Any] | None = None, plan_sha256: str = "") -> Run:
        setting = self.setting
        start = StartRun(setting.runs, setting.run_gates, setting.deadlines, setting.clock)
        triggered = StartTriggered(self.freezes, PlanRun(setting.documents), start)  # type: ignore[arg-type]
        version = replace(VERSION, plan_sha256=plan_sha256)
        return triggered.start_triggered(RUN, version, event, "github acme", given, Ancestry("parent", None, 2))


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_a_plan_that_depends_on_the_run_is_made_for_it(stage: Stage) -> None:
    run = stage.start({"kind": "pipeline", "tag": "v1"}, {"v": "${{ event.tag }}!"})

    assert (run.state, run.started_by_run, run.depth, run.pipeline_version) == (RunState.PENDING, "parent", 2, 3)
    (spec,) = plan.decode(stage.setting.documents.get(run.plan_sha256))
    assert spec.env == {"T": "v1", "V": "v1!"}


def test_a_plan_that_all_runs_share_is_not_looked_into_again(stage: Stage) -> None:
    run = stage.start({"kind": "push"}, plan_sha256="e" * 64)

    assert (run.state, run.plan_sha256, stage.freezes.asked) == (RunState.PENDING, "e" * 64, [])


@pytest.mark.parametrize(
    ("given", "problem", "cause"),
    [
        (None, None, "event has no “tag”. There is: kind. (/treatments/a/env/T)"),
        ({"v": "${{ event.tag }}"}, None, "event has no “tag”"),
        ({"v": 3}, None, "text is wanted for string"),
        (None, NotFound("There is no document."), "There is no document."),
    ],
)
def test_a_run_that_cannot_be_made_has_failed_and_says_why(
    stage: Stage, given: Mapping[str, Any] | None, problem: Exception | None, cause: str
) -> None:
    stage.freezes.problem = problem

    run = stage.start({"kind": "push"}, given)

    assert run == stage.setting.runs.get_run(RUN)
    assert (run.state, run.plan_sha256, run.finished_at) == (RunState.FAILED, "", run.created_at)
    assert cause in (run.cause or "")
    assert stage.start({"kind": "push"}, given) == run
    assert stage.setting.machines.runs == {}
