"""Named steps over the API: their progress, their scripts, and the lines of one."""

from datetime import UTC, datetime

import pytest

from cadence.adapters.dynamodb.logs.log_index import DynamoLogIndex
from cadence.adapters.dynamodb.runs.step_reports import DynamoStepReports
from cadence.adapters.s3.log_segments import S3LogSegments
from cadence.application.logs.index_logs import IndexLogs
from cadence.application.logs.ports import LogBatch, LogLine
from cadence.domain.pipelines import plan
from cadence.domain.runs.admission import beginning
from cadence.domain.runs.states import TreatmentState
from cadence.domain.runs.step_progress import StepProgress, StepReport
from cadence.domain.shared import ids

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
S = TreatmentState
DOCUMENT = """\
cadence: 1
name: stepped
treatments:
  test:
    steps:
      - {name: build, run: make}
      - {name: unit tests, run: make test, env: {MODE: strict}, soft_fail: true}
      - {name: clean, run: make clean, always: true}
  plain: {run: make}
"""


@pytest.fixture
def run_id(api, settings) -> str:
    started = api("POST", "/v1/projects/default/runs", {"document": DOCUMENT})
    assert started.status == 201, started.text
    run_id: str = started.json["run_id"]
    runs = api.services.runs
    specs = plan.decode(api.services.documents.get(runs.get_run(run_id).plan_sha256))
    begins = beginning(run_id, specs, NOW)
    runs.admit(run_id, specs, begins.treatments, begins.edges)
    lines = [
        LogLine(
            seq=number,
            time=f"2026-03-04T05:06:{10 + number}.000Z",
            stream="stdout",
            level="info",
            text=f"line {number}",
            step=step,
        )
        for number, step in enumerate((None, 1, 2, 2, None, 3), 1)
    ]
    index = IndexLogs(DynamoLogIndex(settings["logs_table"]), S3LogSegments(settings["data_bucket"]), runs.get_run)
    runner = ids.runner_id(run_id, "test", 1)
    index.index_batches(
        run_id, [LogBatch(run_id=run_id, runner_id=runner, treatment="test", attempt=1, lines=lines, pool="local")]
    )
    return run_id


def test_steps_are_shown_with_their_progress(api, run_id, settings):
    path = f"/v1/runs/{run_id}/treatments/test"
    before = api("GET", path).json
    assert [(one["number"], one["name"], one["state"]) for one in before["steps"]] == [
        (1, "build", "pending"),
        (2, "unit tests", "pending"),
        (3, "clean", "pending"),
    ]
    assert [(one["run"], one["env"], one["always"], one["soft_fail"]) for one in before["spec"]["steps"]] == [
        ("make", {}, False, False),
        ("make test", {"MODE": "strict"}, False, True),
        ("make clean", {}, True, False),
    ]

    done = StepProgress(state="failed", started_at=NOW, finished_at=NOW, exit_code=2)
    steps = (StepProgress(state="succeeded", exit_code=0), done, StepProgress(state="running", started_at=NOW))
    DynamoStepReports(settings["runs_table"]).put_steps(
        StepReport(run_id=run_id, treatment="test", attempt=1, revision=6, steps=steps)
    )
    shown = api("GET", path).json["steps"]
    assert [(one["state"], one["exit_code"], one["soft_fail"]) for one in shown] == [
        ("succeeded", 0, False),
        ("failed", 2, True),
        ("running", None, False),
    ]
    assert shown[1]["finished_at"] == "2026-03-04T05:06:07Z"

    runs = api.services.runs
    runs.settle(runs.advance(run_id, "test", 1, {S.PENDING}, S.RUNNING), S.LOST, "the host went away", None, NOW)
    assert [one["state"] for one in api("GET", path).json["steps"]] == ["succeeded", "failed", "lost"]
    assert api("GET", f"/v1/runs/{run_id}/treatments/plain").json["steps"] == []


def test_the_lines_of_a_step_are_selected_by_its_name(api, run_id):
    path = f"/v1/runs/{run_id}/logs"

    def texts(**query: str) -> list[str]:
        return [line["text"] for line in api("GET", path, query=query).json["lines"]]

    assert texts(treatment="test", step="unit tests") == ["line 3", "line 4"]
    assert texts(treatment="test", step="clean", grep="6$") == ["line 6"]
    assert len(texts(treatment="test")) == 6
    assert [line["step"] for line in api("GET", path).json["lines"]] == [None, 1, 2, 2, None, 3]

    for query, words in (
        ({"step": "build"}, "together with its treatment"),
        ({"treatment": "test", "step": "deploy"}, "It has build, unit tests, clean."),
        ({"treatment": "plain", "step": "build"}, "It has no named steps."),
    ):
        refused = api("GET", path, query=query)
        assert refused.status == 422
        assert words in refused.json["detail"]
    assert api("GET", path, query={"treatment": "nope", "step": "build"}).status == 404
