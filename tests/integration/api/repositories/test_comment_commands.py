"""`/cadence rerun` as a comment on a pull request: from the signed webhook to the new run."""

from typing import Any

import pytest

from cadence.adapters.dynamodb.runs.run_items import RunItem
from cadence.domain.runs.states import RunState
from tests.integration.api.repositories.test_repositories import TESTS, World, world

__all__ = ["world"]


class Pull:
    """A pull request with one run, and comments on it."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.connect()
        base = world.source.commit({".cadence/tests.yaml": TESTS})
        world.source.git("checkout", "--quiet", "-b", "change")
        self.head = world.source.commit({"a": "1"})
        (self.run_id,) = world.pull_request(base, self.head, fork=False)["runs"]
        world.report()
        world.host.pulls = [world.pull(base, self.head, fork=False)]
        world.host.writers = {"ada"}

    def comment(self, body: str, sender: str = "ada", delivery: str = "d-c") -> dict[str, Any]:
        """Comments, and returns the newest delivery."""
        return self.world.comment(body, sender, delivery)

    def end(self, state: RunState = RunState.FAILED) -> None:
        self.world.end(self.run_id, state)
        self.world.report()


@pytest.fixture
def pull(world: World) -> Pull:
    return Pull(world)


def test_a_failed_run_is_started_again_once(pull: Pull) -> None:
    pull.end()
    delivery = pull.comment("flaky again\n/cadence rerun")

    (again,) = delivery["runs"]
    assert (delivery["event"], delivery["commit"]) == ("comment on pull request 7", pull.head)
    run = pull.world.api("GET", f"/v1/runs/{again}").json
    assert (run["rerun_of"], run["created_by"], run["event"]["number"]) == (pull.run_id, "gitea ada", 7)
    assert pull.comment("flaky again\n/cadence rerun")["runs"] == [again]
    # The status follows the new run.
    pull.world.end(again, RunState.SUCCEEDED)
    pull.world.report()
    status = pull.world.host.status_of(pull.head)["cadence/tests (pull request)"]
    assert (status["state"], status["target_url"].rpartition("/")[2]) == ("success", again)


def test_only_who_may_write_to_the_repository_is_obeyed(pull: Pull) -> None:
    pull.end()
    delivery = pull.comment("/cadence rerun", sender="eve")

    assert delivery["runs"] == [] and "eve may not write" in delivery["outcome"]
    pull.world.host.failures = [(403, {})]
    refused = pull.comment("/cadence rerun", delivery="d-2")
    assert refused["runs"] == [] and "does not tell who may rerun" in refused["outcome"]


def test_what_succeeded_runs_again_only_if_all_is_asked_for(pull: Pull) -> None:
    pull.end(RunState.SUCCEEDED)

    assert pull.comment("/cadence rerun", delivery="d-1")["runs"] == []
    assert len(pull.comment("/cadence rerun all", delivery="d-2")["runs"]) == 1


def test_a_run_that_goes_on_is_left_alone(pull: Pull) -> None:
    run = pull.world.api.services.runs.get_run(pull.run_id)
    RunItem.of(run).save()

    assert pull.comment("/cadence rerun all")["runs"] == []


def test_unknown_commands_say_so_and_other_comments_are_ignored(pull: Pull) -> None:
    assert "There is no command /cadence dance" in pull.comment("/cadence dance")["outcome"]
    assert pull.comment("looks good", delivery="d-2")["id"] == "d-c"
