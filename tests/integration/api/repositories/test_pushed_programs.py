"""Mélodium programs of connected repositories: from a push to the run of what lies in `.melodium-ci`."""

import json
from pathlib import Path

from cadence.domain.runs.states import RunState
from tests.integration.api.repositories.test_repositories import TESTS, World, world

__all__ = ["world"]

EXAMPLE = Path(__file__).resolve().parents[4] / "examples" / "melodium-ci" / ".melodium-ci"
PROGRAM: dict[str, str | None] = {f".melodium-ci/{path.name}": path.read_text() for path in EXAMPLE.iterdir()}


def test_a_push_runs_the_program_of_its_commit_once_and_reports_it(world: World) -> None:
    world.connect()
    commit = world.source.commit({**PROGRAM, ".cadence/tests.yaml": TESTS})

    delivery = world.push(commit)

    assert world.push(commit) == delivery
    assert delivery["outcome"] == ("1 pipeline in .cadence, 1 triggered. The program in .melodium-ci was started.")
    runs = [world.api("GET", f"/v1/runs/{run_id}").json for run_id in delivery["runs"]]
    program = next(run for run in runs if run["pipeline"] != "tests")
    assert program["event"]["repository_id"] == world.repository_id()
    document = json.loads(world.api("GET", f"/v1/runs/{program['run_id']}/document").text)
    (treatment,) = document["treatments"].values()
    assert treatment["melodium"]["parameters"] == {"repository": world.host.clone_urls["acme/site"], "ref": "main"}
    world.report()
    assert set(world.host.status_of(commit)) == {"cadence/tests", f"cadence/{program['pipeline']}"}


def test_a_program_alone_is_enough_and_one_that_cannot_be_read_is_a_failed_status(world: World) -> None:
    world.connect()
    alone = world.source.commit(PROGRAM)
    broken = world.source.commit({".melodium-ci/Compo.toml": "name = ["})

    assert len(world.push(alone, "d-1")["runs"]) == 1
    (run_id,) = world.push(broken, "d-2")["runs"]
    world.report()

    assert world.api.services.runs.get_run(run_id).state is RunState.FAILED
    assert world.host.status_of(broken)["cadence/melodium-ci"]["state"] == "failure"


def test_a_program_that_is_too_large_fails_alone(world: World) -> None:
    world.connect()
    large: dict[str, str | None] = {".melodium-ci/data.txt": "x" * 6_000_000}
    commit = world.source.commit({**PROGRAM, **large, ".cadence/tests.yaml": TESTS})

    delivery = world.push(commit)

    assert delivery["outcome"] == ("1 pipeline in .cadence, 1 triggered. The program in .melodium-ci was started.")
    runs = [world.api.services.runs.get_run(run_id) for run_id in delivery["runs"]]
    assert {run.pipeline for run in runs if run.state is RunState.FAILED} == {"melodium-ci"}


def test_pull_requests_and_tags_run_no_program(world: World) -> None:
    world.connect()
    base = world.source.commit({**PROGRAM, ".cadence/tests.yaml": TESTS})
    world.source.git("checkout", "--quiet", "-b", "change")
    head = world.source.commit({"a": "1"})

    for number, fork in enumerate((False, True)):
        (run_id,) = world.pull_request(base, head, fork=fork, delivery=f"d-{number}")["runs"]
        assert world.api("GET", f"/v1/runs/{run_id}").json["pipeline"] == "tests"
    assert world.push(base, "d-t", ref="refs/tags/v1")["runs"] == []
