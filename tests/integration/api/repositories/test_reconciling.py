"""Heads whose webhooks never arrived: found at the code host, and started once."""

import importlib
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from cadence.adapters.aws.clients import client
from cadence.adapters.dynamodb.repositories.commit_reports import DynamoCommitReports
from cadence.adapters.dynamodb.repositories.heads import DynamoHeads
from cadence.application.repositories.ports import RepositoryLook
from cadence.application.repositories.repository_secrets import OpenRepository
from cadence.domain.repositories.heads import DeliveryKey, head_name
from cadence.domain.runs.states import RunState
from cadence.domain.triggers.git_events import Push
from tests.integration.api.repositories.test_repositories import TESTS, World, process_queue, world

__all__ = ["world"]


class Reconciler:
    """The Lambda `reconcile` beside the others."""

    def __init__(self, world: World) -> None:
        self.world, self.handler = world, importlib.import_module("reconcile.handler")

    def look(self, seconds: float = 600.0) -> dict[str, int]:
        """Looks at all repositories, and processes the deliveries that it made."""
        context = SimpleNamespace(get_remaining_time_in_millis=lambda: seconds * 1_000)
        found: dict[str, int] = self.handler.handler({}, context)
        process_queue()
        return found

    def runs(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.world.api("GET", "/v1/runs").json["items"]
        return found


def let_pass(**time: float) -> None:
    """Lets time pass for the reconciler: sets its last look and its pause back."""
    heads = DynamoHeads("repositories")
    for look in heads.list_looks():
        times = {"looked_at": look.looked_at, "retry_at": look.retry_at}
        back = {name: at - timedelta(**time) if at else None for name, at in times.items()}
        heads.note_look(RepositoryLook(repository_id=look.repository_id, **back))


def give_up(repository_id: str, commit: str) -> None:
    """Makes the reports on a commit as if they had been refused for three days, so that no attempt is left."""
    reports, now = DynamoCommitReports("repositories"), datetime.now(UTC)
    progress = reports.take(repository_id, commit, "x", now, now)
    assert progress is not None
    reports.release_failed(repository_id, commit, "x", problem="500", since=now - timedelta(days=4), retry_at=None)


@pytest.fixture
def reconciler(world: World) -> Iterator[Reconciler]:
    sys.modules.pop("reconcile.handler", None)
    yield Reconciler(world)
    sys.modules.pop("reconcile.handler", None)


def commit(world: World, branch: str = "main", **files: str) -> str:
    """Commits without a webhook."""
    made = world.source.commit({".cadence/tests.yaml": TESTS, **files})
    world.host.heads[branch] = made
    return made


def test_a_push_whose_webhook_was_lost_is_started_once(reconciler: Reconciler) -> None:
    world = reconciler.world
    old = commit(world)
    world.connect()
    assert reconciler.look() == {"looked": 1, "refused": 0, "started": 0, "redelivered": 0}
    lost = commit(world, a="1")

    assert reconciler.look() == {"looked": 1, "refused": 0, "started": 1, "redelivered": 0}
    assert reconciler.look() == {"looked": 1, "refused": 0, "started": 0, "redelivered": 0}
    (run,) = reconciler.runs()
    assert (run["commit"], run["branch"], run["commit_message"]) == (lost, "main", "words of the commit")
    # The webhook arrives late: its run is there.
    assert world.push(lost, "d-late")["runs"] == [run["run_id"]]
    assert "earlier delivery" in world.deliveries()[0]["outcome"]
    assert len(reconciler.runs()) == 1
    # What is pushed once more is an event of its own, as is one that was there when the repository was connected.
    assert world.push(lost, "d-again")["runs"] != [run["run_id"]]
    world.push(old, "d-old")
    assert len(reconciler.runs()) == 3


def test_what_webhooks_brought_is_known(reconciler: Reconciler) -> None:
    world = reconciler.world
    world.connect()
    world.push(commit(world))
    base = world.host.heads["main"]
    world.source.git("checkout", "--quiet", "-b", "change")
    head = world.source.commit({"a": "1"})
    world.pull_request(base, head, fork=False)
    world.host.pulls = [world.pull(base, head, fork=False)]

    assert reconciler.look()["started"] == 0
    assert len(reconciler.runs()) == 2


def test_a_pull_request_whose_webhook_was_lost_is_started(reconciler: Reconciler) -> None:
    world = reconciler.world
    base = commit(world)
    world.connect()
    world.source.git("checkout", "--quiet", "-b", "change")
    head = world.source.commit({"a": "1"})
    world.host.pulls = [world.pull(base, head, fork=True)]

    assert [reconciler.look()["started"] for _ in range(2)] == [1, 0]
    (run,) = reconciler.runs()
    event = world.api("GET", f"/v1/runs/{run['run_id']}").json["event"]
    assert (event["number"], event["fork"], event["commit"]) == (7, True, head)


def test_a_marker_in_the_message_of_the_commit_counts(reconciler: Reconciler) -> None:
    world = reconciler.world
    world.connect()
    world.host.message = "words [skip ci]"
    commit(world)

    assert reconciler.look()["started"] == 1
    assert reconciler.runs() == []
    assert "[skip ci]" in world.deliveries()[0]["outcome"]
    assert reconciler.look()["started"] == 0


def test_an_outage_and_a_rate_limit_of_the_code_host_are_waited_for(reconciler: Reconciler) -> None:
    world = reconciler.world
    world.connect()
    commit(world)

    world.host.failures = [(503, {})]
    assert reconciler.look() == {"looked": 0, "refused": 1, "started": 0, "redelivered": 0}
    assert reconciler.look() == {"looked": 0, "refused": 0, "started": 0, "redelivered": 0}
    let_pass(minutes=6)
    world.host.failures = [(429, {"retry-after": "1800"})]
    assert reconciler.look() == {"looked": 0, "refused": 1, "started": 0, "redelivered": 0}
    let_pass(minutes=25)
    calls = len(world.host.calls)
    assert reconciler.look() == {"looked": 0, "refused": 0, "started": 0, "redelivered": 0}
    assert len(world.host.calls) == calls
    let_pass(minutes=6)
    assert reconciler.look()["started"] == 1
    assert len(reconciler.runs()) == 1


def test_an_answer_that_nobody_understands_does_not_end_the_pass(
    reconciler: Reconciler, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world = reconciler.world
    world.connect()
    commit(world)

    def answer(*_: Any) -> Any:
        raise KeyError("delivered_at")

    with monkeypatch.context() as patched:
        patched.setattr(OpenRepository, "open", answer)
        assert reconciler.look() == {"looked": 0, "refused": 1, "started": 0, "redelivered": 0}
    (told,) = (record for record in caplog.records if record.message == "a repository could not be looked at")
    assert vars(told)["error"] == "KeyError"
    assert reconciler.look()["looked"] == 0
    let_pass(minutes=61)
    assert reconciler.look()["started"] == 1


def test_a_token_that_was_revoked_is_tried_again_after_an_hour(reconciler: Reconciler) -> None:
    world = reconciler.world
    world.connect()
    commit(world)
    world.host.failures = [(401, {})]

    assert reconciler.look()["refused"] == 1
    let_pass(minutes=55)
    assert reconciler.look() == {"looked": 0, "refused": 0, "started": 0, "redelivered": 0}
    let_pass(minutes=6)
    assert reconciler.look()["started"] == 1


def test_a_delivery_that_was_left_behind_is_taken_over_under_its_own_key(reconciler: Reconciler) -> None:
    world = reconciler.world
    repository_id = world.connect().json["id"]
    lost = commit(world)
    now = world.api.services.clock()
    event = Push(repository="acme/site", repository_url="u", ref="refs/heads/main", commit=lost)
    heads = DynamoHeads("repositories")
    heads.identify(
        repository_id,
        head_name(event),
        DeliveryKey(delivery_id="d-1", number=0, first_seen=now - timedelta(minutes=30)),
    )

    assert reconciler.look()["started"] == 0
    key = {"pk": {"S": f"HEADS#{repository_id}"}}
    (item,) = client("dynamodb").query(
        TableName="repositories", KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": key["pk"]}
    )["Items"]
    item["first_seen"] = {"S": (now - timedelta(hours=2)).isoformat()}
    client("dynamodb").put_item(TableName="repositories", Item=item)
    assert [reconciler.look()["started"] for _ in range(2)] == [1, 0]
    assert len(reconciler.runs()) == 1
    (known,) = heads.known(repository_id, [head_name(event)]).values()
    assert (known.key.delivery_id, known.done) == ("d-1", True)


def test_statuses_that_were_given_up_are_sent_again(reconciler: Reconciler) -> None:
    world = reconciler.world
    repository_id = world.connect().json["id"]
    head = commit(world)
    (run_id,) = world.push(head)["runs"]
    world.report()
    world.host.failures = [(500, {})]
    world.end(run_id, RunState.SUCCEEDED)
    world.report()
    # Three days later there is no attempt left, and only the problem is known.
    world.delayed.messages.clear()
    give_up(repository_id, head)

    assert reconciler.look()["looked"] == 1
    assert world.report() == 1
    assert world.host.status_of(head)["cadence/tests"]["state"] == "success"
    assert world.checks()["reports"] is True


def test_a_repository_that_was_disconnected_is_forgotten(reconciler: Reconciler) -> None:
    world = reconciler.world
    repository_id = world.connect().json["id"]
    world.api("DELETE", f"/v1/repositories/{repository_id}")

    assert reconciler.look() == {"looked": 0, "refused": 0, "started": 0, "redelivered": 0}
    assert DynamoHeads("repositories").list_looks() == []


def test_the_first_look_after_a_failed_one_starts_nothing(reconciler: Reconciler) -> None:
    world = reconciler.world
    commit(world)
    world.host.fails_on = "/branches"
    repository_id = world.connect().json["id"]
    world.host.fails_on = ""
    (look,) = DynamoHeads("repositories").list_looks()
    assert (look.repository_id, look.looked_at) == (repository_id, None)

    assert [reconciler.look()["started"] for _ in range(2)] == [0, 0]
    commit(world, a="1")
    assert reconciler.look()["started"] == 1


def test_without_time_nothing_is_begun(reconciler: Reconciler) -> None:
    reconciler.world.connect()

    assert reconciler.look(seconds=30.0)["looked"] == 0
