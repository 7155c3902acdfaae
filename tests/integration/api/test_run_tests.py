"""Results of tests: from what a runner sent over the Lambda `test_reports` to the API and the command line."""

import hashlib
import importlib
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from cadence.adapters.aws.clients import client
from cadence.adapters.dynamodb.runners.runner_store import DynamoRunnerStore
from cadence.adapters.dynamodb.runners.stream_store import DynamoStreamStore
from cadence.adapters.dynamodb.runs.run_items import RunItem, TreatmentItem
from cadence.adapters.dynamodb.test_reports.durations import DynamoDurations
from cadence.application.shared.identifiers import new_ulid
from cadence.application.test_reports.ports import ReportedAttempt
from cadence.application.test_reports.split_durations import FixDurations
from cadence.domain.pipelines.specification import REPORTS_PORT, OutputSpec, SplitSpec, TreatmentSpec
from cadence.domain.runners.runner import Runner, RunnerState
from cadence.domain.runs import admission
from cadence.domain.runs.run import Run
from cadence.domain.runs.states import RunState, TreatmentState
from cadence.domain.shared import ids
from cadence.domain.test_reports.case import CaseCounts, CaseOutcome, ReportedCase
from cadence.domain.test_reports.report import AttemptReport, TreatmentReport
from cadence.domain.values.stream import Chunk, StreamEnd, StreamProgress
from cadence.domain.values.value_retention import ValueCapture, ValueRetention
from tests.integration.api.calling import Api
from tests.integration.api.conftest import NoLambdas

PUSH = {"kind": "push", "repository_id": "r-1", "repository": "acme/site", "branch": "main", "commit": "c0ffee"}
LATER = {**PUSH, "commit": "beef"}
PULL_REQUEST = {**LATER, "kind": "pull_request", "branch": "change", "base_branch": "main", "number": 7}


def report(**outcomes: str) -> bytes:
    """A report with these tests: `passed`, or the message of a failure."""
    cases = [
        f'<testcase classname="t" name="{name}" time="0.{number}">'
        + ("" if outcome == "passed" else f"<failure>{outcome}\nt.py:{number}: Error</failure>")
        + "</testcase>"
        for number, (name, outcome) in enumerate(outcomes.items(), 1)
    ]
    return f"<testsuite>{''.join(cases)}</testsuite>".encode()


@dataclass
class Reported:
    """Runs whose treatment `test` sends reports, and the Lambda that reads them."""

    api: Api
    lambdas: NoLambdas
    handler: Any
    runs: int = 0
    spec: TreatmentSpec = field(
        default_factory=lambda: TreatmentSpec(
            name="test",
            run="pytest",
            quarantine=("t::sleepy",),
            outputs=(OutputSpec(port=REPORTS_PORT, flow="block", type="byte", path="report.xml", optional=True),),
        )
    )

    def run(self, *attempts: bytes | None, event: Any = PUSH, state: RunState = RunState.FAILED, **more: Any) -> str:
        """Executes a run whose attempts send these reports; all but a last one with `passed` only have failed."""
        services = self.api.services
        # Each a second after the one before, so that their order does not depend on the clock.
        self.runs += 1
        now = services.clock() + timedelta(seconds=self.runs)
        run = Run(
            run_id=new_ulid(now),
            organization="default",
            project="default",
            pipeline="tests",
            pipeline_version=None,
            state=state,
            document_sha256="d",
            plan_sha256="",
            parameters={},
            event=event,
            max_duration=60,
            created_at=now,
            **more,
        )
        services.runs.create_run(run)
        begun = admission.beginning(run.run_id, [self.spec], now, {}, {})
        services.treatments.admit(run.run_id, [self.spec], begun.treatments, begun.edges)
        RunItem.of(run).save()
        (treatment,) = begun.treatments
        assert treatment.reports
        TreatmentItem.of(replace(treatment, state=TreatmentState.FAILED, attempt=len(attempts) or 1)).save()
        for number, content in enumerate(attempts, 1):
            self.send(run.run_id, number, content)
        return run.run_id

    def send(self, run_id: str, attempt: int, content: bytes | None, **more: Any) -> None:
        runner_id = ids.runner_id(run_id, self.spec.name, attempt)
        now = self.api.services.clock()
        runner = Runner(
            runner_id=runner_id, run_id=run_id, treatment=self.spec.name, attempt=attempt, organization="default",
            project="default", pool="local", provider="host", state=RunnerState.COMPLETED, created_at=now, **more,
        )  # fmt: skip
        DynamoRunnerStore("runners").put_runner(runner)
        if content is None:
            return
        port = ids.kept_port(REPORTS_PORT)
        digest = hashlib.sha256(content).hexdigest()
        chunks = [Chunk(0, len(content), digest)] if content else []
        if content:
            client("s3").put_object(
                Bucket="data", Key=ids.chunk_key(run_id, self.spec.name, attempt, port, 0), Body=content
            )
        end = StreamEnd(len(content), digest, len(chunks))
        chunks.append(Chunk(len(chunks), 0, hashlib.sha256(b"").hexdigest()))
        DynamoStreamStore("runners").commit(runner_id, port, StreamProgress(), chunks, end)

    def read(self, run_id: str) -> int:
        return int(self.handler({"run": run_id, "treatment": self.spec.name}, None)["tests"])

    def tests(self, run_id: str, **query: Any) -> Any:
        answer = self.api("GET", f"/v1/runs/{run_id}/tests", query=query)
        assert answer.status == 200, answer.text
        return answer.json

    def executed(self, *attempts: bytes | None, **more: Any) -> Any:
        """Executes a run and reads its reports. Returns its tests."""
        run_id = self.run(*attempts, **more)
        self.read(run_id)
        return self.tests(run_id)


@pytest.fixture
def reported(api: Api, lambdas: NoLambdas) -> Iterator[Reported]:
    sys.modules.pop("test_reports.handler", None)
    yield Reported(api, lambdas, importlib.import_module("test_reports.handler").handler)
    sys.modules.pop("test_reports.handler", None)


def marks(answer: Any) -> dict[str, tuple[bool | None, bool, bool]]:
    return {case["name"]: (case["new"], case["flaky"], case["quarantined"]) for case in answer["items"]}


def test_the_tests_of_a_failed_attempt_are_counted_and_listed(reported: Reported) -> None:
    run_id = reported.run(report(well="passed", badly="no", sleepy="late"))
    assert reported.read(run_id) == 3

    found = reported.tests(run_id)
    assert found["counts"] == {
        "total": 3, "passed": 1, "failed": 2, "errors": 0, "skipped": 0, "new": 0, "known_flaky": 0, "quarantined": 1,
        "seconds": pytest.approx(0.6),
    }  # fmt: skip
    (treatment,) = found["treatments"]
    assert (treatment["treatment"], treatment["run_id"], treatment["base_run"]) == ("test", run_id, None)
    assert marks(found) == {"t::badly": (None, False, False), "t::sleepy": (None, False, True)}
    badly = found["items"][0]
    assert (badly["message"], badly["file"], badly["line"]) == ("no\nt.py:2: Error", "t.py", 2)
    slowest = reported.tests(run_id, outcome="all", order="slowest", limit=2)
    assert [case["name"] for case in slowest["items"]] == ["t::sleepy", "t::badly"]
    rest = reported.tests(run_id, outcome="all", order="slowest", limit=2, cursor=slowest["next"])
    assert [case["name"] for case in rest["items"]] == ["t::well"] and rest["next"] is None
    assert reported.api("GET", f"/v1/runs/{run_id}/tests", query={"cursor": slowest["next"]}).status == 422


def test_a_pull_request_is_compared_with_its_base_branch(reported: Reported) -> None:
    base = reported.executed(report(a="passed", b="old"))["treatments"][0]["run_id"]
    found = reported.executed(report(a="broken", b="old", c="broken"), event=PULL_REQUEST)

    assert found["treatments"][0]["base_run"] == base
    assert {name: new for name, (new, *_) in marks(found).items()} == {"t::a": True, "t::b": False, "t::c": True}
    assert found["counts"]["new"] == 2
    assert [one["name"] for one in found["treatments"][0]["new_failures"]] == ["t::a", "t::c"]
    # Neither a pull request nor another branch is what the next push to this branch is compared with.
    reported.executed(report(a="passed", b="passed"), event={**PUSH, "branch": "other"})
    again = reported.executed(report(a="passed", b="old"))
    assert again["treatments"][0]["base_run"] == base and again["counts"]["new"] == 0


def test_reading_again_changes_nothing(reported: Reported) -> None:
    reported.executed(report(a="passed"))
    run_id = reported.run(report(a="no"), event=LATER)
    reported.read(run_id)
    first = reported.tests(run_id)
    newer = reported.executed(report(a="no"), event={**PUSH, "commit": "cafe"})
    reported.read(run_id)

    assert reported.tests(run_id) == first and first["counts"]["new"] == 1
    assert newer["counts"]["new"] == 0


def test_a_rerun_of_the_same_work_shows_which_tests_are_flaky(reported: Reported) -> None:
    reported.executed(report(a="passed", b="no"))
    second = reported.executed(report(a="no", b="no"))

    assert marks(second) == {"t::a": (False, True, False), "t::b": (False, False, False)}
    assert second["counts"]["known_flaky"] == 1
    # It stays known when other work fails in it.
    other = reported.executed(report(a="no", b="no"), event=LATER)
    assert marks(other)["t::a"] == (False, True, False)


def test_other_work_with_another_outcome_is_not_flaky(reported: Reported) -> None:
    reported.executed(report(a="passed"))
    other = reported.executed(report(a="no"), event=LATER)

    assert marks(other) == {"t::a": (True, False, False)}


def test_attempts_of_one_treatment_show_flaky_tests_too(reported: Reported) -> None:
    found = reported.executed(report(a="no", b="no"), report(a="passed", b="no"))

    assert [one["attempt"] for one in found["treatments"][0]["attempts"]] == [1, 2]
    assert marks(found) == {"t::b": (None, False, False)}
    flaky = reported.tests(found["treatments"][0]["run_id"], outcome="flaky")
    assert [(case["name"], case["outcome"]) for case in flaky["items"]] == [("t::a", "passed")]


def test_reports_that_cannot_be_read_say_why(reported: Reported) -> None:
    assert reported.read(reported.run(None)) == 0
    assert reported.executed(None)["treatments"] == []
    for content, words in ((b"", "nothing at report.xml"), (b"no", "is no XML")):
        (treatment,) = reported.executed(content)["treatments"]
        assert words in treatment["attempts"][0]["problem"]
    run_id = reported.run()
    reported.send(run_id, 1, report(a="no"), retention=ValueRetention("secret", ValueCapture.DIGEST, None))
    reported.read(run_id)
    (treatment,) = reported.tests(run_id)["treatments"]
    assert "pool secret keeps values apart" in treatment["attempts"][0]["problem"]
    assert reported.tests(run_id)["counts"]["total"] == 0


def test_results_of_a_branch_and_its_flaky_tests(reported: Reported) -> None:
    reported.executed(report(a="passed", b="no"))
    newest = reported.executed(report(a="no", b="no"))["treatments"][0]["run_id"]

    path = "/v1/projects/default/pipelines/tests/tests"
    found = reported.api("GET", path, query={"repository": "r-1", "branch": "main"}).json
    assert [(one["treatment"], one["run_id"], one["counts"]["failed"]) for one in found["treatments"]] == [
        ("test", newest, 2)
    ]
    assert [(one["name"], one["run_id"]) for one in found["flaky"]] == [("t::a", newest)]
    assert reported.api("GET", path).json["treatments"] == []


def test_messages_need_the_permission_to_read_logs(reported: Reported, other_project: str) -> None:
    run_id = reported.executed(report(a="no"))["treatments"][0]["run_id"]
    reader = reported.api.token_for(["runs:read"])
    stranger = reported.api.token_for(["runs:read", "logs:read"], other_project)

    (case,) = reported.api("GET", f"/v1/runs/{run_id}/tests", token=reader).json["items"]
    assert (case["name"], case["message"]) == ("t::a", None)
    assert reported.api("GET", f"/v1/runs/{run_id}/tests", token=stranger).status == 404


def test_a_commit_is_reported_again_if_its_run_had_ended(reported: Reported) -> None:
    reported.executed(report(a="no"), state=RunState.RUNNING)
    reported.read(reported.run(report(a="no"), generated=True))
    assert reported.lambdas.invoked == []
    run_id = reported.run(report(a="no"))
    reported.read(run_id)

    (requested,) = reported.lambdas.invoked
    assert requested["FunctionName"] == "commit-reports"
    assert json.loads(requested["Payload"])["run"] == run_id


def test_a_run_divides_its_suite_by_what_was_measured_when_its_first_instance_asked(reported: Reported) -> None:
    shares = [
        replace(reported.spec, name=f"test:{part}", group="test", split=SplitSpec(files="t.py", index=part, count=2))
        for part in (0, 1)
    ]
    fix = FixDurations(store=DynamoDurations("runs"))

    def asked(run_id: str, part: int) -> Mapping[str, float]:
        return fix.of(reported.api.services.runs.get_run(run_id), shares[part])

    for share, tests in zip(shares, (report(a="passed"), report(b="passed", c="passed")), strict=True):
        reported.spec = share
        reported.executed(tests)
    reported.spec = shares[0]
    pull_request = reported.run(event=PULL_REQUEST)
    first = asked(pull_request, 0)
    reported.executed(report(a="passed", b="passed", c="passed"))

    # The newest instance that measured a place counts, here the second one, and nothing that is measured later.
    assert first == {"t": pytest.approx(0.3)} == asked(pull_request, 1)
    assert asked(reported.run(event=PULL_REQUEST), 0) == {"t": pytest.approx(0.6)}
    # A rerun may take over what the other instance did; a new branch has nothing of its own.
    assert asked(reported.run(event=PULL_REQUEST, rerun_of=pull_request), 1) == first
    assert asked(reported.run(event={**PUSH, "branch": "new"}), 1) == {"t": pytest.approx(0.6)}
    assert asked(reported.run(event={**PUSH, "repository_id": "r-2"}), 1) == {}
    assert fix.of(reported.api.services.runs.get_run(pull_request), replace(shares[0], split=None)) == {}


def test_a_failure_that_another_share_of_the_base_had_is_not_new(reported: Reported) -> None:
    reported.spec = replace(reported.spec, name="test:0", group="test", split=SplitSpec(files="t.py", index=0, count=2))
    base = reported.executed(report(a="passed"))["treatments"][0]["run_id"]
    store = reported.api.services.case_results.store
    other = ReportedAttempt(run_id=base, treatment="test:1", attempt=1)
    store.put_cases(other, [ReportedCase(name="t::b", outcome=CaseOutcome.FAILED)])
    counts = CaseCounts(total=1, failed=1)
    store.put_report(
        TreatmentReport(run_id=base, treatment="test:1", attempts=[AttemptReport(attempt=1, counts=counts)])
    )

    found = reported.executed(report(a="no", b="no"), event=PULL_REQUEST)

    assert {name: new for name, (new, *_) in marks(found).items()} == {"t::a": True, "t::b": False}
