"""Repositories on Bitbucket Data Center: from connecting over signed webhooks to build statuses and one comment."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cadence.adapters.aws import commit_report_requests
from cadence.domain.runs.states import RunState
from tests.doubles.bitbucket_data_center import DataCenterDouble
from tests.doubles.code_host import TOKEN, serving
from tests.git.repositories import Repository, served
from tests.integration.api.calling import Api, event
from tests.integration.api.conftest import NoLambdas
from tests.integration.api.repositories.test_repositories import FUNCTIONS, TESTS, World, process_queue
from tests.unit.triggers.test_githosts import signature

BASE = "a" * 40


class DataCenterWorld(World):
    """The repository ACME/site on Bitbucket Data Center, and the Lambdas that its webhooks pass through."""

    host: DataCenterDouble

    def __init__(self, api: Api, host: DataCenterDouble, source: Repository, address: str, lambdas: NoLambdas) -> None:
        host.clone_urls["ACME/site"] = f"{address}/site"
        super().__init__(api, host, source, address, lambdas)

    def webhook(self, name: str, payload: Any, delivery: str) -> dict[str, Any]:
        """Sends a webhook, and processes its delivery. Returns the delivery's record."""
        body = json.dumps({"eventKey": name, "actor": {"name": "ada", "slug": "ada"}, **payload})
        (hook,) = self.host.hooks.values()
        assert name in hook["events"]
        path = "/webhooks" + hook["url"].split("/webhooks")[1]
        headers = {"x-event-key": name, "x-request-id": delivery, "content-type": "application/json"}
        headers |= signature("bitbucket", body.encode(), hook["configuration"]["secret"].encode())
        message = event("POST", path, headers=headers, body=body)
        message["pathParameters"] = dict(zip(("kind", "hook"), path.split("/")[2:], strict=True))
        assert self.modules["webhooks.handler"].handler(message, None)["statusCode"] == 202
        process_queue()
        return self.deliveries()[0]

    def pushed(self, commit: str, delivery: str, ref: str = "refs/heads/main", **more: Any) -> dict[str, Any]:
        changes = [{"refId": ref, "fromHash": "0" * 40, "toHash": commit, "type": "ADD"}]
        repository = {**self.host.repository(), **more.pop("repository", {})}
        return self.webhook("repo:refs_changed", {"repository": repository, "changes": changes, **more}, delivery)

    def pulled(self, commit: str) -> dict[str, Any]:
        """Pull request 12 as payloads and answers have it."""
        repository = self.host.repository()
        return {
            "id": 12,
            "title": "A change",
            "author": {"user": {"name": "ada"}},
            "fromRef": {"id": "refs/heads/change", "latestCommit": commit, "repository": repository},
            "toRef": {"id": "refs/heads/main", "latestCommit": BASE, "repository": repository},
        }


@pytest.fixture
def world(api: Api, lambdas: NoLambdas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DataCenterWorld]:
    for name in FUNCTIONS:
        sys.modules.pop(name, None)
    source = Repository(tmp_path / "git" / "site")
    with serving(DataCenterDouble) as host, served(tmp_path / "git") as address:
        world = DataCenterWorld(api, host, source, address, lambdas)
        services = {"lambda": lambdas, "sqs": world.delayed}
        monkeypatch.setattr(commit_report_requests, "client", services.__getitem__)
        yield world
    for name in FUNCTIONS:
        sys.modules.pop(name, None)


def test_a_push_ends_as_a_build_status(world: DataCenterWorld) -> None:
    connected = world.connect(kind="bitbucket").json
    assert (connected["name"], connected["url"]) == ("ACME/site", f"{world.host.url}/projects/ACME/repos/site")
    commit = world.source.commit({".cadence/tests.yaml": TESTS})

    described = {"id": commit, "message": "Words", "author": {"displayName": "Ada"}}
    (run_id,) = world.pushed(commit, "d-1", toCommit=described)["runs"]
    assert not [call for call in world.host.calls if "/commits/" in call], "the webhook has the message"
    world.report()
    assert world.host.status_of(commit)["cadence/tests"]["state"] == "INPROGRESS"
    world.end(run_id, RunState.FAILED)
    world.report()
    assert world.host.status_of(commit)["cadence/tests"]["state"] == "FAILED"
    run = world.api("GET", f"/v1/runs/{run_id}").json
    assert (run["event"]["author"], run["event"]["repository_url"]) == ("Ada", world.host.clone_urls["ACME/site"])
    assert world.checks() == dict.fromkeys(("reachable", "name", "rights", "webhook", "deliveries", "reports"), True)

    assert world.api("DELETE", f"/v1/repositories/{connected['id']}").status == 200
    assert world.host.hooks == {}


def test_a_webhook_that_leaves_things_out_is_completed(world: DataCenterWorld) -> None:
    world.connect(kind="bitbucket")
    paths = TESTS.replace("{branches: [main]}", "{branches: [main], paths: [src/**]}")
    first = world.source.commit({".cadence/tests.yaml": paths, "src/a.py": "1"})
    second = world.source.commit({".cadence/tests.yaml": paths, "src/a.py": "2"})
    world.host.messages = {first: "Words [skip ci]"}

    skipped = world.pushed(first, "d-1", repository={"links": {}})
    assert (skipped["runs"], "[skip ci]" in skipped["outcome"]) == ([], True)
    # The default branch is new: each of its files counts as changed.
    (run_id,) = world.pushed(second, "d-2", repository={"links": {}})["runs"]
    run = world.api("GET", f"/v1/runs/{run_id}").json
    assert run["event"]["repository_url"] == world.host.clone_urls["ACME/site"]
    assert (run["event"]["message"], run["event"]["author"]) == ("Words", "ada")


def test_a_pull_request_has_one_comment_and_obeys_those_who_may_write(world: DataCenterWorld) -> None:
    world.connect(kind="bitbucket")
    commit = world.source.commit({".cadence/tests.yaml": TESTS})
    world.host.pulls = [world.pulled(commit)]

    (run_id,) = world.webhook("pr:opened", {"pullRequest": world.pulled(commit)}, "d-1")["runs"]
    world.end(run_id, RunState.FAILED, "first cause")
    world.report()
    (comment,) = world.host.comments.values()
    assert "tests" in comment["text"]

    said = {"pullRequest": world.pulled(commit), "comment": {"id": 5, "text": "/cadence rerun all"}}
    refused = world.webhook("pr:comment:added", said, "d-2")
    assert refused["runs"] == []
    world.host.writers = {"ada"}
    (rerun,) = world.webhook("pr:comment:added", said, "d-3")["runs"]
    world.end(rerun, RunState.FAILED, "second cause")
    world.report()
    assert list(world.host.comments.values()) == [comment], "it was not edited in place"
    assert comment["version"] == 1

    declined = world.webhook("pr:declined", {"pullRequest": world.pulled(commit)}, "d-4")
    assert declined["runs"] == []


def test_another_repository_of_the_host_starts_nothing(world: DataCenterWorld) -> None:
    world.connect(kind="bitbucket")
    commit = world.source.commit({".cadence/tests.yaml": TESTS})

    assert "ACME/other" in world.pushed(commit, "d-1", repository={"slug": "other"})["outcome"]
    answer = world.connect(422, kind="bitbucket", token="another")
    assert answer.json["violations"][0]["pointer"] == "/token"
    assert TOKEN not in answer.text
