"""Pull requests that are labelled and closed, and releases: from the webhook to the runs of their pipelines."""

from typing import Any

from cadence.domain.runs.states import RunState
from tests.integration.api.repositories.test_repositories import TESTS, World, world

__all__ = ["world"]

ON = "on:\n  push: {branches: [main]}\n  pull_request: {}\n"
LABELLED = TESTS.replace(ON, "on: {pull_request: {types: [labelled], labels: [e2e]}}\n").replace("tests", "e2e")
CLOSED = TESTS.replace(ON, "on: {pull_request: {types: [closed]}}\n").replace("tests", "preview")
RELEASE = TESTS.replace(ON, 'on: {release: {tags: ["v*"]}}\n').replace("tests", "publish")
FILES: dict[str, str | None] = {
    ".cadence/tests.yaml": TESTS,
    ".cadence/e2e.yaml": LABELLED,
    ".cadence/preview.yaml": CLOSED,
    ".cadence/publish.yaml": RELEASE,
}
LABELS: dict[str, Any] = {"pull": {"labels": [{"name": "e2e"}]}, "changes": {"added_labels": [{"name": "e2e"}]}}


def started(world: World, delivery: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Returns the events of the runs that a delivery started, by pipeline."""
    runs = [world.api("GET", f"/v1/runs/{run_id}").json for run_id in delivery["runs"]]
    return {run["pipeline"]: run["event"] for run in runs}


def test_a_label_starts_what_names_it_once_for_each_time_that_it_is_added(world: World) -> None:
    world.connect()
    base = world.source.commit(FILES)
    world.source.git("checkout", "--quiet", "-b", "change")
    head = world.source.commit({"a": "1"})

    assert set(started(world, world.pull_request(base, head, fork=False))) == {"tests"}
    first = world.pull_request(base, head, fork=False, action="label_updated", delivery="d-1", **LABELS)
    assert (first["event"], first["commit"]) == ("pull request 7 labelled", head)
    (event,) = started(world, first).values()
    assert (event["type"], event["label"], event["labels"]) == ("labelled", "e2e", ["e2e"])
    again = world.pull_request(base, head, fork=False, action="label_updated", delivery="d-1", **LABELS)
    assert again["runs"] == first["runs"]
    other: dict[str, Any] = {"changes": {"added_labels": [{"name": "bug"}]}}
    assert world.pull_request(base, head, fork=False, action="label_updated", delivery="d-2", **other)["runs"] == []
    second = world.pull_request(base, head, fork=False, action="label_updated", delivery="d-3", **LABELS)
    assert set(started(world, second)) == {"e2e"} and second["runs"] != first["runs"]
    assert len(world.api("GET", "/v1/runs").json["items"]) == 3


def test_a_merged_pull_request_starts_what_is_for_closed_ones(world: World) -> None:
    world.connect()
    base = world.source.commit(FILES)
    head = world.source.commit({"a": "1"})
    merged: dict[str, Any] = {"pull": {"merged": True, "merge_commit_sha": "c" * 40}}

    closed = world.pull_request(base, head, fork=False, action="closed", **merged)
    assert closed["event"] == "pull request 7 closed"
    events = started(world, closed)
    assert set(events) == {"preview"}
    assert (events["preview"]["merged"], events["preview"]["merge_commit"]) == (True, "c" * 40)


def test_labels_of_a_fork_start_nothing_where_forks_need_approval(world: World) -> None:
    world.connect(forks="approval")
    base = world.source.commit(FILES)
    head = world.source.commit({"a": "1"})

    assert "/cadence approve" in world.pull_request(base, head, fork=True)["outcome"]
    label = world.pull_request(base, head, fork=True, action="label_updated", delivery="d-1", **LABELS)
    assert "only approved commits" in label["outcome"]
    assert label["runs"] == []


def test_a_release_runs_at_the_commit_of_its_tag_and_shows_its_status_there(world: World) -> None:
    world.connect()
    tagged = world.source.commit(FILES)
    world.source.git("tag", "--annotate", "--message", "words", "v1.0", tagged)
    world.source.commit({"a": "1"})

    delivery = release(world, "v1.0", "d-1")
    assert (delivery["event"], delivery["ref"], delivery["commit"]) == ("release v1.0", "refs/tags/v1.0", tagged)
    (run_id,) = delivery["runs"]
    event = started(world, delivery)["publish"]
    assert (event["kind"], event["tag"], event["commit"], event["prerelease"]) == ("release", "v1.0", tagged, True)
    assert release(world, "v1.0", "d-1")["runs"] == [run_id]
    world.end(run_id, RunState.SUCCEEDED)
    world.report()
    assert world.host.status_of(tagged)["cadence/publish (release)"]["state"] == "success"


def test_a_release_that_starts_nothing_says_why(world: World) -> None:
    world.connect()
    world.source.commit(FILES)
    world.source.git("tag", "w1")

    assert "0 triggered" in release(world, "w1", "d-1")["outcome"]
    gone = release(world, "v2.0", "d-2")
    assert "has no tag 'v2.0'" in gone["outcome"]
    assert (gone["commit"], gone["runs"]) == ("", [])


def release(world: World, tag: str, delivery: str) -> dict[str, Any]:
    """Publishes a release, and returns the newest delivery."""
    payload = {
        "action": "published",
        "release": {"tag_name": tag, "name": "One", "prerelease": True, "html_url": "https://git.example/r"},
        "repository": {"full_name": "acme/site", "clone_url": world.host.clone_urls["acme/site"]},
        "sender": {"login": "ada"},
    }
    return world.send("release", payload, delivery)
