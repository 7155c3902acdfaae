"""GitHub Apps: from the manifest over an App's webhooks to checks with annotations and their buttons."""

import importlib
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cadence.adapters.aws import commit_report_requests
from cadence.adapters.dynamodb.repositories.github_apps import GitHubAppItem
from cadence.adapters.dynamodb.repositories.repository_items import ReportSentItem, commit_key
from cadence.adapters.dynamodb.runs.run_items import RunItem
from cadence.adapters.dynamodb.test_reports.case_results import DynamoCaseResults
from cadence.adapters.s3.buckets import Buckets
from cadence.adapters.s3.chunks import S3Chunks
from cadence.domain.runs.states import RunState
from cadence.domain.test_reports.report import CaseName, TreatmentReport
from tests.doubles.github import app_pem
from tests.doubles.github_repository import CODE, SECRET, GithubRepository
from tests.git.repositories import Repository, served
from tests.integration.api.calling import Answer, Api, event
from tests.integration.api.conftest import NoLambdas
from tests.integration.api.repositories.test_repositories import FUNCTIONS, TESTS, DelayedReports, process_queue
from tests.unit.triggers.test_githosts import signature

PUBLIC = "https://ci.example"


class AppWorld:
    """A GitHub with the repository acme/site, and an App of the project that is installed on it."""

    def __init__(self, api: Api, github: GithubRepository, source: Repository, lambdas: NoLambdas) -> None:
        self.api, self.github, self.source, self.lambdas = api, github, source, lambdas
        self.modules = {name: importlib.import_module(name) for name in FUNCTIONS}
        self.app: dict[str, Any] = {}

    def prepare(self) -> dict[str, Any]:
        body = {"project": "default", "redirect_url": "http://127.0.0.1:1/callback", "origin": self.github.url}
        answer = self.api("POST", "/v1/github-apps/manifest", {**body, "account": "acme", "public_url": PUBLIC})
        assert answer.status == 200, answer.text
        found: dict[str, Any] = answer.json
        return found

    def register(self, code: str = CODE, expected: int = 201) -> Answer:
        prepared = self.prepare()
        self.github.webhook = {"url": prepared["manifest"]["hook_attributes"]["url"]}
        body = {"project": "default", "id": prepared["id"], "code": code, "origin": self.github.url}
        answer = self.api("POST", "/v1/github-apps", {**body, "public_url": PUBLIC})
        assert answer.status == expected, answer.text
        assert "PRIVATE KEY" not in answer.text and SECRET not in answer.text
        self.app = answer.json
        return answer

    def connect(self, expected: int = 201, **more: Any) -> Answer:
        body = {"project": "default", "url": f"{self.github.url}/acme/site", "kind": "github", "app": self.app["id"]}
        answer = self.api("POST", "/v1/repositories", {**body, **more})
        assert answer.status == expected, answer.text
        return answer

    def send(self, name: str, payload: Any, delivery: str, *, secret: str = SECRET, expected: int = 202) -> None:
        """Sends an event of the App's webhook, and processes it."""
        body = json.dumps({"installation": {"id": 7}, "repository": {"full_name": "acme/site"}, **payload})
        headers = {"x-github-event": name, "x-github-delivery": delivery, "content-type": "application/json"}
        headers |= signature("github", body.encode(), secret.encode())
        message = event("POST", f"/webhooks/github/{self.app['id']}", headers=headers, body=body)
        message["pathParameters"] = {"kind": "github", "hook": self.app["id"]}
        response = self.modules["webhooks.handler"].handler(message, None)
        assert response["statusCode"] == expected, response
        process_queue()

    def push(self, commit: str, delivery: str = "d-1", **more: Any) -> list[str]:
        """Pushes to main; returns the runs that were started by this delivery."""
        repository = {"full_name": "acme/site", "clone_url": self.github.clone_url, "default_branch": "main", **more}
        payload = {"ref": "refs/heads/main", "before": "0" * 40, "after": commit, "repository": repository}
        self.send("push", payload, delivery)
        return next((one["runs"] for one in self.deliveries() if one["id"] == delivery), [])

    def press(self, action: str, check: dict[str, Any], delivery: str, sender: str = "ada", **more: Any) -> list[str]:
        run = {"head_sha": check["head_sha"], "external_id": check["external_id"]}
        self.send(
            "check_run", {"action": action, "check_run": run, "sender": {"login": sender, "id": 1}, **more}, delivery
        )
        found: list[str] = self.deliveries()[0]["runs"]
        return found

    def report(self) -> int:
        requested, self.lambdas.invoked = self.lambdas.invoked, []
        reports = [json.loads(one["Payload"]) for one in requested if one["FunctionName"] == "commit-reports"]
        return sum(self.modules["commit_reports.handler"].handler(one, None)["sent"] for one in reports)

    def end(self, run_id: str, state: RunState, cause: str | None = None) -> None:
        runs = self.api.services.runs
        run = runs.get_run(run_id)
        RunItem.of(replace(run, state=state, cause=cause, finished_at=self.api.services.clock())).save()
        body = {"repository": run.event["repository_id"], "commit": run.event["commit"], "run": run_id}
        payload = json.dumps({**body, "attempt": 0, "deferred": False}).encode()
        self.lambdas.invoke(FunctionName="commit-reports", Payload=payload)

    def deliveries(self) -> list[dict[str, Any]]:
        (repository,) = self.api("GET", "/v1/repositories").json["items"]
        found: list[dict[str, Any]] = self.api("GET", f"/v1/repositories/{repository['id']}/deliveries").json["items"]
        return found

    def examined(self) -> dict[str, bool]:
        (repository,) = self.api("GET", "/v1/repositories").json["items"]
        answer = self.api("GET", f"/v1/repositories/{repository['id']}/checks").json
        return {check["name"]: check["ok"] for check in answer["checks"]}


@pytest.fixture
def world(api: Api, lambdas: NoLambdas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppWorld]:
    source = Repository(tmp_path / "git" / "site")
    for name in FUNCTIONS:
        sys.modules.pop(name, None)
    github = GithubRepository(writers={"ada"})
    with github.serving() as url, served(tmp_path / "git") as address:
        github.url, github.clone_url = url, f"{address}/site"
        services = {"lambda": lambdas, "sqs": DelayedReports()}
        monkeypatch.setattr(commit_report_requests, "client", services.__getitem__)
        yield AppWorld(api, github, source, lambdas)
    for name in FUNCTIONS:
        sys.modules.pop(name, None)


def test_a_manifest_asks_for_no_more_than_is_needed(world: AppWorld) -> None:
    prepared = world.prepare()

    manifest = prepared["manifest"]
    assert prepared["page"] == f"{world.github.url}/organizations/acme/settings/apps/new"
    assert manifest["hook_attributes"] == {"url": f"{PUBLIC}/webhooks/github/{prepared['id']}", "active": True}
    assert {name for name, level in manifest["default_permissions"].items() if level == "write"} == {
        "checks",
        "pull_requests",
    }
    assert manifest["public"] is False and "check_run" in manifest["default_events"]
    refused = world.api("POST", "/v1/github-apps/manifest", {
        "project": "default", "redirect_url": "http://127.0.0.1:1/", "account": "../evil",
    })  # fmt: skip
    assert refused.status == 422


def test_credentials_are_stored_encrypted_and_a_code_counts_once(world: AppWorld) -> None:
    world.register("unknown", 422)
    assert world.api("GET", "/v1/github-apps").json["items"] == []
    app = world.register().json

    assert (app["name"], app["number"]) == ("Cadence of Acme", 4711)
    assert app["installation_url"].endswith("/apps/cadence-acme/installations/new")
    item = GitHubAppItem.get(f"APP#{app['id']}", "APP")
    assert app_pem().encode() not in item.private_key and SECRET.encode() not in item.webhook_secret
    again = {"project": "default", "id": app["id"], "code": CODE, "origin": world.github.url, "public_url": PUBLIC}
    assert world.api("POST", "/v1/github-apps", again).status == 409
    assert [one["id"] for one in world.api("GET", "/v1/github-apps").json["items"]] == [app["id"]]


def test_an_app_without_a_secret_of_its_webhook_gets_one(world: AppWorld) -> None:
    world.github.webhook_secret = None
    world.register()

    assert world.github.webhook["url"] == world.app["webhook_url"] and len(world.github.webhook["secret"]) > 30


def test_a_repository_is_connected_only_where_the_app_is_installed(world: AppWorld) -> None:
    world.register()
    world.github.installed = False
    refused = world.connect(422)
    assert refused.json["violations"][0]["pointer"] == "/app" and "installations/new" in refused.text
    world.github.installed, world.github.suspended = True, True
    assert "suspended" in world.connect(422).text
    world.github.suspended = False
    assert world.connect(422, token="t").json["violations"][0]["pointer"] == "/token"
    world.connect(404, app="a-" + "0" * 26)

    connected = world.connect().json
    assert (connected["app"], connected["webhook_id"]) == (world.app["id"], None)
    assert connected["webhook_url"] == world.app["webhook_url"]
    world.connect(409)
    assert world.api("POST", f"/v1/repositories/{connected['id']}/rotate", {}).status == 422
    assert world.api("DELETE", f"/v1/github-apps/{world.app['id']}").status == 409
    assert world.api("DELETE", f"/v1/repositories/{connected['id']}").json == {"webhook_remains": None}
    assert world.api("DELETE", f"/v1/github-apps/{world.app['id']}").status == 204
    assert world.api("GET", "/v1/github-apps").json["items"] == []


def test_a_push_is_shown_as_a_check_that_follows_its_run(world: AppWorld) -> None:
    world.register()
    world.connect()
    commit = world.source.commit({".cadence/tests.yaml": TESTS})
    (run_id,) = world.push(commit)
    assert world.push(commit) == [run_id]

    assert world.report() == 1
    (check,) = world.github.checks.values()
    assert (check["name"], check["status"], check["external_id"]) == ("cadence/tests", "queued", run_id)
    world.end(run_id, RunState.SUCCEEDED)
    world.end(run_id, RunState.SUCCEEDED)
    assert world.report() == 1
    assert (check["status"], check["conclusion"], check["actions"]) == ("completed", "success", [])
    assert len(world.github.checks) == 1
    # Commits are read with a token that may do nothing else.
    assert {"contents": "read"} in world.github.tokens


def test_events_of_others_start_nothing(world: AppWorld) -> None:
    world.register()
    commit = world.source.commit({".cadence/tests.yaml": TESTS})
    world.send("push", {"ref": "refs/heads/main", "after": commit, "repository": {
        "full_name": "acme/site", "clone_url": world.github.clone_url}}, "d-0")  # fmt: skip
    world.connect()

    assert world.push(commit, "d-1", full_name="acme/other") == []
    world.send("push", {"ref": "refs/heads/main"}, "d-2", secret="another", expected=401)
    world.send("installation", {"action": "created"}, "d-3")
    assert world.api("GET", "/v1/runs").json["items"] == []


def test_findings_and_failed_tests_are_annotated_on_their_lines(world: AppWorld) -> None:
    world.register()
    world.connect()
    broken = TESTS.replace("name: tests", "nmae: tests")
    commit = world.source.commit({".cadence/ci.yaml": broken, ".cadence/tests.yaml": TESTS})
    runs = world.push(commit)
    world.report()
    found = {check["name"]: check for check in world.github.checks.values()}
    misspelt = next(one for one in found["cadence/ci"]["kept_annotations"] if "nmae" in one["message"])
    assert (misspelt["path"], misspelt["start_line"], misspelt["start_column"]) == (".cadence/ci.yaml", 2, 1)
    assert misspelt["annotation_level"] == "failure"

    (run_id,) = [one for one in runs if one == found["cadence/tests"]["external_id"]]
    world.end(run_id, RunState.FAILED, "test failed: exit code 1")
    world.report()
    DynamoCaseResults("runs", S3Chunks(Buckets("data"))).put_report(
        TreatmentReport(
            run_id=run_id,
            treatment="test",
            base_run="an-earlier-run",
            new_failures=[CaseName(name="t::a", file="tests/test_a.py", line=12), CaseName(name="t::b", file="/tmp/b")],
            flaky_failures=[CaseName(name="t::c", file="./tests/test_c.py")],
        )
    )
    world.end(run_id, RunState.FAILED, "test failed: exit code 1")
    world.report()
    world.end(run_id, RunState.FAILED, "test failed: exit code 1")
    assert world.report() == 0
    noted = [
        (one["path"], one["start_line"], one["annotation_level"], one["title"])
        for one in found["cadence/tests"]["kept_annotations"]
    ]
    assert noted == [
        ("tests/test_a.py", 12, "failure", "New failure"),
        ("tests/test_c.py", 1, "warning", "Flaky test"),
    ]
    assert found["cadence/tests"]["actions"][0]["identifier"] == "rerun-failed"


def test_buttons_rerun_what_they_are_about_for_those_who_may_write(world: AppWorld) -> None:
    world.register()
    world.connect()
    commit = world.source.commit({".cadence/a.yaml": TESTS, ".cadence/b.yaml": TESTS.replace("tests", "others", 1)})
    for run_id in world.push(commit):
        world.end(run_id, RunState.FAILED, "test failed")
    world.report()
    check = next(one for one in world.github.checks.values() if one["name"] == "cadence/tests")
    first = check["external_id"]

    action: dict[str, Any] = {"requested_action": {"identifier": "rerun-failed"}}
    assert world.press("requested_action", check, "d-2", sender="eve", **action) == []
    assert "may not write" in world.deliveries()[0]["outcome"]
    # GitHub has reset the check: it is sent again as it was.
    check["status"] = "queued"
    assert world.report() == 1 and check["status"] == "completed"

    (second,) = world.press("requested_action", check, "d-3", **action)
    assert world.press("requested_action", check, "d-3", **action) == [second]
    rerun = world.api("GET", f"/v1/runs/{second}").json
    assert (rerun["rerun_of"], rerun["created_by"], rerun["pipeline"]) == (first, "github ada", "tests")
    world.end(second, RunState.SUCCEEDED)
    world.report()
    newest = max(number for number, one in world.github.checks.items() if one["name"] == "cadence/tests")
    assert world.github.checks[newest]["external_id"] == second

    # GitHub's own button repeats what succeeded, too; that of the suite all checks.
    (third,) = world.press("rerequested", world.github.checks[newest], "d-4")
    world.end(third, RunState.SUCCEEDED)
    world.send("check_suite", {"action": "rerequested", "check_suite": {"head_sha": commit},
                               "sender": {"login": "ada", "id": 1}}, "d-5")  # fmt: skip
    assert len(world.deliveries()[0]["runs"]) == 2


def test_an_interrupted_report_finds_its_check_again(world: AppWorld) -> None:
    world.register()
    world.connect()
    (run_id,) = world.push(world.source.commit({".cadence/tests.yaml": TESTS}))
    world.report()
    (repository,) = world.api("GET", "/v1/repositories").json["items"]
    commit = commit_key(repository["id"], world.deliveries()[0]["commit"])
    ReportSentItem(commit, f"{ReportSentItem.PREFIX}cadence/tests").delete()  # it ended before this was written

    world.end(run_id, RunState.CANCELLED)
    world.report()
    (check,) = world.github.checks.values()
    assert check["conclusion"] == "cancelled"


def test_doctor_says_what_an_app_lacks(world: AppWorld) -> None:
    world.register()
    world.connect()
    world.push(world.source.commit({".cadence/tests.yaml": TESTS}))
    assert world.examined() == dict.fromkeys(("reachable", "name", "rights", "webhook", "deliveries", "reports"), True)
    world.github.granted["pull_requests"] = "read"
    world.github.webhook = {"url": "https://elsewhere.example"}

    checks = world.examined()
    assert (checks["rights"], checks["webhook"]) == (False, False)
    world.github.granted["pull_requests"] = "write"
    assert world.api("POST", f"/v1/github-apps/{world.app['id']}/rotate", {"private_key": "no key"}).status == 422
    assert world.api("POST", f"/v1/github-apps/{world.app['id']}/rotate", {"private_key": app_pem()}).status == 200
    assert world.examined()["webhook"] is True
    world.send("ping", {}, "d-9", secret=world.github.webhook["secret"], expected=200)
    world.send("ping", {}, "d-9", expected=401)


def test_events_of_an_app_that_failed_are_sent_again_once_for_all_its_repositories(world: AppWorld) -> None:
    world.register()
    world.connect()
    sys.modules.pop("reconcile.handler", None)
    reconcile = importlib.import_module("reconcile.handler").handler
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 600_000)
    now = datetime.now(UTC)
    # The first that is repeated has failed again, the last is older than the look before this one.
    listed = [(4, "g-3", now, True), (3, "g-3", now, False), (2, "g-2", now, False)]
    listed += [(1, "g-1", now - timedelta(hours=1), False)]
    world.github.failed_deliveries = [
        {"id": number, "guid": guid, "delivered_at": f"{at:%Y-%m-%dT%H:%M:%SZ}", "redelivery": again,
         "duration": 0.1, "status": "Bad Gateway", "status_code": 502, "event": "push", "action": None,
         "installation_id": 7, "repository_id": 1}
        for number, guid, at, again in listed
    ]  # fmt: skip

    assert reconcile({}, context) == {"looked": 1, "refused": 0, "started": 0, "redelivered": 1}

    assert world.github.redelivered == [2]
    assert world.github.wrong == []
    sys.modules.pop("reconcile.handler", None)
