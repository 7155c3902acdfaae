"""A connected repository on the whole stack: a push on the code host ends as a status there."""

import base64
import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from cadence.cli.client.client import Client
from cadence.cli.runs.working_tree import pack_working_tree
from cadence.local.push.push import LocalPush, PushOutcome
from cadence.local.push.push import push as push_commit
from tests.doubles.code_host import TOKEN, CodeHostDouble, code_host
from tests.e2e.account import Account
from tests.e2e.api import Api
from tests.e2e.conftest import Stack
from tests.git.repositories import Repository, served
from tests.programs import needs_bubblewrap
from tests.unit.triggers.test_githosts import signature
from tests.waiting import last_look

pytestmark = pytest.mark.slow

PIPELINE = """\
cadence: 1
name: {name}
on: {{push: {{}}}}
treatments:
  test: {{source: true, run: "{script}"}}
"""
READS_THE_COMMIT = "grep -qx 'of the commit' docs/note && test ${#CADENCE_COMMIT} = 40"


def push(host: CodeHostDouble, commit: str) -> None:
    """Sends the webhook of a push as the code host does."""
    (hook,) = host.hooks.values()
    payload = {
        "ref": "refs/heads/main",
        "before": "0" * 40,
        "after": commit,
        "repository": {"full_name": "acme/site", "clone_url": host.clone_urls["acme/site"]},
        "head_commit": {"message": "A change", "author": {"name": "Ada"}},
    }
    body = json.dumps(payload).encode()
    headers = {
        "content-type": "application/json",
        "x-gitea-event": "push",
        "x-gitea-delivery": uuid.uuid4().hex,
        **signature("gitea", body, hook["config"]["secret"].encode()),
    }
    assert requests.post(hook["config"]["url"], data=body, headers=headers, timeout=60).status_code == 202


def statuses(host: CodeHostDouble, commit: str, enough: Callable[[dict[str, str]], bool]) -> dict[str, str]:
    """The states of a commit's statuses, once they are `enough`."""
    return last_look(
        lambda: {context: status["state"] for context, status in host.status_of(commit).items()},
        enough,
        300,
        pause=0.2,
    )


def look(stack: Stack) -> None:
    """Invokes the Lambda that compares heads, as its schedule does."""
    answer = Account(stack).root("lambda").invoke(FunctionName="cadence-main-reconcile")
    assert "FunctionError" not in answer, answer["Payload"].read()


def test_a_push_ends_as_statuses_of_its_commit(api: Api, stack: Stack, tmp_path: Path) -> None:
    project = f"p{uuid.uuid4().hex[:8]}"
    assert api.call("POST", "/v1/projects", json={"name": project}).status_code == 201
    source = Repository(tmp_path / "git" / "site")
    commit = source.commit(
        {
            "docs/note": "of the commit\n",
            ".cadence/good.yaml": PIPELINE.format(name="good", script=READS_THE_COMMIT),
            ".cadence/bad.yaml": PIPELINE.format(name="bad", script="exit 3"),
            ".cadence/wrong.yaml": PIPELINE.format(name="wrong", script="true").replace("name:", "nmae:"),
        }
    )
    with code_host() as host, served(tmp_path / "git") as address:
        body: dict[str, Any] = {"project": project, "kind": "gitea", "token": TOKEN, "public_url": api.url}
        body["url"] = host.add("acme/site", f"{address}/site")
        connected = api.call("POST", "/v1/repositories", json=body)
        assert connected.status_code == 201, connected.text

        push(host, commit)
        repository = connected.json()["id"]
        started = last_look(lambda: api.get("/v1/runs", project=project)["items"], lambda runs: len(runs) == 3, 300)
        states = {run["pipeline"]: api.finished(run["run_id"], within=300)["state"] for run in started}
        assert states == {"good": "succeeded", "bad": "failed", "wrong": "failed"}
        (good,) = (run["run_id"] for run in started if run["pipeline"] == "good")
        (port,) = api.get(f"/v1/runs/{good}/treatments/test")["inputs"]
        value = api.get(f"/v1/runs/{good}/values/{port['value']['sha256']}")
        assert (port["port"], len(value["chunks"]), value["size"]) == ("source-tree", 1, port["value"]["size"])
        expected = {"cadence/good": "success", "cadence/bad": "failure", "cadence/wrong": "failure"}
        assert statuses(host, commit, lambda found: found == expected) == expected
        assert "wrong.yaml:2:1" in host.status_of(commit)["cadence/wrong"]["description"]

        (delivery,) = api.get(f"/v1/repositories/{repository}/deliveries")["items"]
        assert (delivery["commit"], len(delivery["runs"])) == (commit, 3)
        # A push whose webhook is lost: the Lambda that looks every quarter of an hour starts it.
        lost = source.commit({".cadence/bad.yaml": None, ".cadence/wrong.yaml": None})
        host.heads["main"] = lost
        look(stack)
        only = {"cadence/good": "success"}
        assert statuses(host, lost, lambda found: found == only) == only
        checks = api.get(f"/v1/repositories/{repository}/checks")
        assert checks["ok"], checks
        assert api.call("DELETE", f"/v1/repositories/{repository}").status_code == 200
        assert host.hooks == {}


def test_a_push_without_a_code_host_ends_as_statuses_of_its_commit(api: Api, tmp_path: Path) -> None:
    project = f"p{uuid.uuid4().hex[:8]}"
    assert api.call("POST", "/v1/projects", json={"name": project}).status_code == 201
    source = Repository(tmp_path / "the site")
    good = PIPELINE.format(name="good", script=READS_THE_COMMIT)
    paths = "{push: {branches: [main], paths: [docs/**]}}"
    source.commit({"docs/note": "of the commit\n", ".cadence/good.yaml": good.replace("{push: {}}", paths)})
    commit = source.commit({"docs/note": "of the commit\nas of now\n", "other": "x\n"})
    (source.folder / "docs/note").write_text("not committed\n")
    client, printed = Client(api.url, api.token, project), list[str]()

    def push(branch: str | None) -> PushOutcome:
        pushed = LocalPush.of(source.folder / "docs", branch, None)
        assert (pushed.head.commit, pushed.not_committed) == (source.git("rev-parse", "HEAD"), 1)
        return push_commit(client, pushed, lambda run_id: api.finished(run_id, within=300), printed.append)

    pushed = push(None)
    assert [(run["pipeline"], run["state"], run["commit"]) for run in pushed.runs] == [("good", "succeeded", commit)]
    assert [(status["context"], status["state"]) for status in pushed.statuses] == [("cadence/good", "success")]
    assert printed == [f"Pushed {commit[:12]} (a change) to main of local/the-site.", pushed.words]

    other_branch = push("feature")
    assert (other_branch.words, other_branch.runs) == ("1 pipeline in .cadence, 0 triggered.", [])
    source.git("checkout", "--quiet", "docs/note")
    source.commit({"other": "y\n"})
    (source.folder / "docs/note").write_text("not committed\n")
    other_path = push(None)
    assert (other_path.words, other_path.runs) == ("1 pipeline in .cadence, 0 triggered.", [])
    assert client.repositories() == [one for one in client.repositories() if one["project"] != project]


def test_a_working_tree_is_tried_before_anything_is_committed(api: Api, tmp_path: Path) -> None:
    repository = Repository(tmp_path / "site")
    repository.commit({"docs/note": "committed\n"})
    (repository.folder / "docs/note").write_text("not committed\n")
    source = base64.b64encode(pack_working_tree(repository.folder).packed).decode()
    document = PIPELINE.format(name="tried", script="grep -qx 'not committed' docs/note && test ! -e .git")

    answer = api.call("POST", "/v1/projects/default/runs", json={"document": document, "source": source})
    assert answer.status_code == 201, answer.text
    assert api.finished(answer.json()["run_id"])["state"] == "succeeded"


@needs_bubblewrap
def test_treatments_share_a_definition_and_the_files_of_their_commit(api: Api, stack: Stack, tmp_path: Path) -> None:
    project = f"p{uuid.uuid4().hex[:8]}"
    assert api.call("POST", "/v1/projects", json={"name": project}).status_code == 201
    use = "{use: {path: ../ci/checks.yaml, definition: check}, source: true}"
    # One after the other, so that the second finds what the first has left.
    treatments = f"treatments:\n  one: {use}\n  two: {use.replace('source: true', 'source: true, after: [one]')}\n"
    source = Repository(tmp_path / "shared")
    source.commit(
        {
            "docs/note": "of the commit\n",
            "ci/checks.yaml": f'definitions:\n  check: {{run: "{READS_THE_COMMIT}"}}\n',
            ".cadence/good.yaml": f"cadence: 1\nname: good\non: {{push: {{}}}}\n{treatments}",
        }
    )
    client = Client(api.url, api.token, project)

    pushed = push_commit(
        client, LocalPush.of(source.folder, None, None), lambda run_id: api.finished(run_id, within=300), print
    )

    assert [(run["pipeline"], run["state"]) for run in pushed.runs] == [("good", "succeeded")]
    (port,) = api.get(f"/v1/runs/{pushed.runs[0]['run_id']}/treatments/two")["inputs"]
    kept = list((stack.paths.host / "work" / "commit-files").glob(f"{port['value']['sha256']}-*"))
    assert len(kept) == 1

    source.commit({"ci/checks.yaml": "definitions:\n\n  check: {rnu: x}\n"})
    refused = push_commit(
        client, LocalPush.of(source.folder, None, None), lambda run_id: api.finished(run_id, within=300), print
    )
    assert [run["state"] for run in refused.runs] == ["failed"]
    assert api.get(f"/v1/runs/{refused.runs[0]['run_id']}")["cause"].startswith("ci/checks.yaml:3:")
