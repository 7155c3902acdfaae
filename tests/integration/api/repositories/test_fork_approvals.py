"""Pull requests from forks that wait for `/cadence approve`: from the signed webhooks to the runs."""

from typing import Any

import pytest

from tests.integration.api.repositories.test_repositories import TESTS, World, world

__all__ = ["world"]


class Fork:
    """A pull request from a fork, which waits for an approval, and comments on it."""

    def __init__(self, world: World, forks: str = "approval", association: str | None = None) -> None:
        self.world = world
        self.association = {"author_association": association} if association else {}
        world.connect(forks=forks)
        self.base = world.source.commit({".cadence/tests.yaml": TESTS})
        world.source.git("checkout", "--quiet", "-b", "change")
        self.head = world.source.commit({".cadence/tests.yaml": TESTS.replace("make test", "steal")})
        world.host.writers = {"ada"}
        self.opened = world.pull_request(self.base, self.head, fork=True, pull=self.association)
        self.at(self.head)

    def at(self, commit: str, *, fork: bool = True) -> None:
        """Lets the code host describe the pull request at a commit."""
        self.world.host.pulls = [{**self.world.pull(self.base, commit, fork=fork), **self.association}]

    def comment(self, body: str = "/cadence approve", sender: str = "ada", delivery: str = "d-c") -> dict[str, Any]:
        """Comments, and returns the newest delivery."""
        return self.world.comment(body, sender, delivery)


@pytest.fixture
def fork(world: World) -> Fork:
    return Fork(world)


def test_an_approved_commit_runs_the_pipelines_of_its_base_once(fork: Fork) -> None:
    assert fork.opened["runs"] == [] and "waits for /cadence approve" in fork.opened["outcome"]

    delivery = fork.comment("fine\n/cadence approve")
    (run_id,) = delivery["runs"]
    assert (delivery["event"], delivery["commit"]) == ("comment on pull request 7", fork.head)
    assert delivery["outcome"].startswith(f"ada approved {fork.head[:12]}.")
    run = fork.world.api("GET", f"/v1/runs/{run_id}").json
    assert (run["event"]["number"], run["event"]["fork"], run["event"]["commit"]) == (7, True, fork.head)
    assert "make test" in fork.world.api("GET", f"/v1/runs/{run_id}/document").text
    fork.world.report()
    assert fork.world.host.status_of(fork.head)["cadence/tests (pull request)"]["state"] == "pending"

    assert fork.comment("fine\n/cadence approve")["runs"] == [run_id]  # the same delivery
    assert fork.comment(delivery="d-again")["runs"] == [run_id]
    assert len(fork.world.api("GET", "/v1/runs").json["items"]) == 1


def test_only_who_may_write_to_the_repository_approves(fork: Fork) -> None:
    refused = fork.comment(sender="eve")
    assert refused["runs"] == [] and "eve may not write" in refused["outcome"]
    assert "as an approval requires" in refused["outcome"]
    fork.world.host.failures = [(403, {})]
    unknown = fork.comment(delivery="d-2")
    assert unknown["runs"] == [] and "does not tell who may approve" in unknown["outcome"]


def test_an_approval_holds_for_one_commit(fork: Fork) -> None:
    assert len(fork.comment()["runs"]) == 1
    newer = fork.world.source.commit({"a": "2"})
    waiting = fork.world.pull_request(fork.base, newer, fork=True, delivery="d-newer")
    assert waiting["runs"] == [] and "waits for /cadence approve" in waiting["outcome"]
    fork.at(newer)

    other = fork.comment(f"/cadence approve {fork.head[:9]}", delivery="d-2")
    assert other["runs"] == [] and f"is at {newer[:12]} now" in other["outcome"]
    assert len(fork.comment(f"/cadence approve {newer[:9]}", delivery="d-3")["runs"]) == 1


def test_a_commit_that_nobody_can_have_seen_is_not_approved(fork: Fork) -> None:
    """It was pushed after the comment, or its webhook was lost."""
    newer = fork.world.source.commit({"a": "2"})
    fork.at(newer)

    early = fork.comment(delivery="d-1")
    assert early["runs"] == [] and "Look at it, and comment again." in early["outcome"]
    assert fork.comment(delivery="d-1")["runs"] == []
    assert len(fork.comment(delivery="d-2")["runs"]) == 1


def test_what_waits_for_no_approval_is_not_started_by_one(fork: Fork) -> None:
    fork.at(fork.head, fork=False)
    delivery = fork.comment()
    assert delivery["runs"] == [] and "waits for no approval" in delivery["outcome"]
    assert "There is no command /cadence approve all" in fork.comment("/cadence approve all", delivery="d-2")["outcome"]


@pytest.mark.parametrize("association", ["NONE", "FIRST_TIME_CONTRIBUTOR", None], ids=["none", "first", "not-said"])
def test_authors_who_have_not_contributed_before_wait_for_an_approval(world: World, association: str | None) -> None:
    fork = Fork(world, "first-time", association)

    assert fork.opened["runs"] == []
    assert "an author who has not contributed before, and waits for /cadence approve" in fork.opened["outcome"]
    assert fork.comment(sender="eve")["runs"] == []
    assert len(fork.comment(delivery="d-2")["runs"]) == 1


@pytest.mark.parametrize("association", ["CONTRIBUTOR", "MEMBER"])
def test_authors_who_have_contributed_before_need_no_approval(world: World, association: str) -> None:
    fork = Fork(world, "first-time", association)

    assert len(fork.opened["runs"]) == 1
    assert "waits for no approval" in fork.comment()["outcome"]
