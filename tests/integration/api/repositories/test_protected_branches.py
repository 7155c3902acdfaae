"""Environments of protected branches: asked of the code host for a push, and again for a run that repeats it."""

from dataclasses import replace
from typing import Any

from cadence.adapters.dynamodb.runs.run_items import RunItem
from cadence.domain.pipelines import plan
from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.runs.states import RunState

from .test_repositories import World, world

__all__ = ["world"]

DEPLOY = """\
cadence: 1
name: deploy
on: {push: {}, pull_request: {}}
treatments:
  deploy: {run: make deploy, environment: production}
"""
GUARDED = DEPLOY.replace("name: deploy", "name: guarded").replace(
    "environment: production",
    'environment: production, when: "${{ has(event.branch_protected) && event.branch_protected }}"',
)
TESTS = "cadence: 1\nname: tests\non: {push: {}}\ntreatments:\n  test: {run: make test}\n"
ASKED = "GET /api/v1/repos/acme/site/branches/main"


def ready(world: World, **more: Any) -> str:
    """Connects the repository to a project with an environment of protected branches; returns a commit."""
    world.connect()
    world.api("PUT", "/v1/projects/default/secrets/deploy-key", {"value": "s3cr3t"})
    body = {"secrets": {"KEY": "deploy-key"}, "protected_branches": True, **more}
    stored = world.api("PUT", "/v1/projects/default/environments/production", body)
    assert (stored.status, stored.json["protected_branches"]) == (201, body["protected_branches"])
    bound = world.api("PUT", "/v1/projects/default/secrets/deploy-key", {"value": "s", "environment": "production"})
    assert bound.status < 300, bound.text
    return world.source.commit({".cadence/deploy.yaml": DEPLOY, ".cadence/guarded.yaml": GUARDED})


def run_of(world: World, record: dict[str, Any], pipeline: str = "deploy") -> dict[str, Any]:
    runs: list[dict[str, Any]] = [world.api("GET", f"/v1/runs/{run_id}").json for run_id in record["runs"]]
    return next(run for run in runs if run["pipeline"] == pipeline)


def planned(world: World, run: dict[str, Any]) -> TreatmentSpec:
    stored = world.api.services.runs.get_run(run["run_id"])
    (spec,) = plan.decode(world.api.services.documents.get(stored.plan_sha256))
    return spec


def secrets_of(world: World, run: dict[str, Any]) -> dict[str, str]:
    return dict(planned(world, run).secrets)


def end(world: World, run: dict[str, Any]) -> None:
    stored = world.api.services.runs.get_run(run["run_id"])
    RunItem.of(replace(stored, state=RunState.FAILED, finished_at=world.api.services.clock())).save()


def test_a_push_to_a_protected_branch_gets_the_secrets(world: World) -> None:
    commit = ready(world)
    world.host.protected = {"main"}

    pushed = world.push(commit)
    run = run_of(world, pushed)
    assert secrets_of(world, run) == {"KEY": "deploy-key"}
    assert run["event"]["branch_protected"] is True
    assert planned(world, run_of(world, pushed, "guarded")).never is None
    assert world.host.calls.count(ASKED) == 1  # for both pipelines

    # The protection is asked for again when the run is repeated, in the API as in its claim.
    world.host.protected = set()
    end(world, run)
    again = world.api("POST", f"/v1/runs/{run['run_id']}/rerun", {})
    assert again.status == 201, again.text
    assert world.api("GET", f"/v1/runs/{again.json['run_id']}").json["event"]["branch_protected"] is False


def test_a_push_to_another_branch_fails_with_the_reason(world: World) -> None:
    commit = ready(world)

    pushed = world.push(commit)
    run = run_of(world, pushed)
    assert run["state"] == "failed"
    assert planned(world, run_of(world, pushed, "guarded")).never
    assert "only for runs of protected branches; the code host does not protect “main”" in run["cause"]
    # Once it is protected, running it again is enough.
    world.host.protected = {"main"}
    again = world.api("POST", f"/v1/runs/{run['run_id']}/rerun", {"from": "all"})
    assert again.status == 201, again.text
    assert secrets_of(world, again.json) == {"KEY": "deploy-key"}


def test_an_answer_that_cannot_be_had_refuses(world: World) -> None:
    commit = ready(world)
    world.host.protected = {"main"}
    world.host.failures = [(403, {})]

    run = run_of(world, world.push(commit))
    assert run["state"] == "failed"
    assert "whether “main” is protected cannot be read: 127.0.0.1" in run["cause"]
    assert "answers 403" in run["cause"] and "not now" in run["cause"]


def test_pull_requests_and_tags_are_of_no_protected_branch(world: World) -> None:
    commit = ready(world)
    world.host.protected = {"main", "change"}

    run = run_of(world, world.pull_request(commit, commit, fork=False))
    assert "this run is of no branch" in run["cause"]
    tagged = run_of(world, world.push(commit, "d-2", ref="refs/tags/main"))
    assert "this run is of the tag “main”" in tagged["cause"]
    assert not [call for call in world.host.calls if "/branches/" in call]


def test_the_host_is_asked_only_where_an_environment_requires_it(world: World) -> None:
    commit = ready(world, protected_branches=False)
    assert secrets_of(world, run_of(world, world.push(commit))) == {"KEY": "deploy-key"}
    world.api("PUT", "/v1/projects/default/environments/production", {"protected_branches": True})
    other = world.source.commit({".cadence/deploy.yaml": TESTS, ".cadence/guarded.yaml": TESTS})
    run = run_of(world, world.push(other, "d-2"), "tests")
    assert "branch_protected" not in run["event"]
    assert ASKED not in world.host.calls
