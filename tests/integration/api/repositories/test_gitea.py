"""A repository of a real Gitea server: pushes, a pull request from a fork, statuses and a comment, seen through its own
API. Skipped where it was not built (`.ci/peers gitea`).
"""

import importlib
import json
import re
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from cadence.adapters.dynamodb.runs.run_items import RunItem
from cadence.domain.runs.states import RunState
from tests.git.repositories import Repository
from tests.integration.api.calling import Api, event
from tests.integration.api.conftest import NoLambdas
from tests.integration.api.repositories.test_repositories import FUNCTIONS, TESTS, process_queue
from tests.peers.gitea import Gitea, gitea
from tests.waiting import eventually

pytestmark = pytest.mark.slow


class Installation:
    """The API as Gitea reaches it: webhooks are answered by the Lambda `webhooks`."""

    def __init__(self, api: Api, lambdas: NoLambdas, server: Gitea, url: str) -> None:
        self.api, self.lambdas, self.server, self.url = api, lambdas, server, url
        self.is_down = threading.Event()
        self.refused = 0

    def connect(self) -> str:
        """Connects the repository of the user who administers the server, and returns its id."""
        body = {"project": "default", "kind": "gitea", "token": self.server.tokens["ada"], "public_url": self.url}
        connected = self.api("POST", "/v1/repositories", {**body, "url": f"{self.server.url}/ada/site"})
        assert connected.status == 201, connected.text
        return str(connected.json["id"])

    def deliveries(self) -> list[dict[str, Any]]:
        """The deliveries so far, the newest first, after all that wait were processed."""
        process_queue()
        (repository,) = self.api("GET", "/v1/repositories").json["items"]
        found: list[dict[str, Any]] = self.api("GET", f"/v1/repositories/{repository['id']}/deliveries").json["items"]
        return found

    def delivered(self, commit: str, kind: str) -> dict[str, Any]:
        """The delivery about a commit, once it has arrived."""
        return eventually(
            lambda: next((one for one in self.deliveries() if one["commit"] == commit and kind in one["event"]), {}),
            what=self.deliveries,
            pause=0.2,
        )

    def report(self) -> None:
        requested, self.lambdas.invoked = self.lambdas.invoked, []
        for one in requested:
            if one["FunctionName"] == "commit-reports":
                sys.modules["commit_reports.handler"].handler(json.loads(one["Payload"]), None)

    def end(self, run_id: str, state: RunState, cause: str | None = None) -> None:
        """Ends a run, and reports it."""
        run = self.api.services.runs.get_run(run_id)
        RunItem.of(replace(run, state=state, cause=cause, finished_at=self.api.services.clock())).save()
        body = {"repository": run.event["repository_id"], "commit": run.event["commit"], "run": run_id}
        payload = json.dumps({**body, "attempt": 0, "deferred": False}).encode()
        self.lambdas.invoke(FunctionName="commit-reports", Payload=payload)
        self.report()

    def statuses(self, commit: str) -> dict[str, str]:
        """The newest status of each context, according to Gitea."""
        found = self.server.call("ada", "GET", f"/repos/ada/site/commits/{commit}/status")
        return {status["context"]: status["status"] for status in found["statuses"] or []}


@pytest.fixture
def installation(api: Api, lambdas: NoLambdas, tmp_path: Path) -> Iterator[Installation]:
    for name in FUNCTIONS:
        sys.modules.pop(name, None)
        importlib.import_module(name)

    made: list[Installation] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            if made[0].is_down.is_set():
                made[0].refused += 1
                self.send_error(503)
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            message = event("POST", self.path, headers=headers, body=body)
            message["pathParameters"] = dict(zip(("kind", "hook"), self.path.split("/")[2:], strict=True))
            response = sys.modules["webhooks.handler"].handler(message, None)
            content = response["body"].encode()
            self.send_response(response["statusCode"])
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Writes nothing."""

    home = tmp_path / "gitea"
    home.mkdir()
    with gitea(home, ["ada", "eve"]) as server:
        receiver = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            made.append(Installation(api, lambdas, server, f"http://127.0.0.1:{receiver.server_address[1]}"))
            yield made[0]
        finally:
            receiver.shutdown()
            thread.join()
            receiver.server_close()
    for name in FUNCTIONS:
        sys.modules.pop(name, None)


def asked_by_cadence(requests: Sequence[str]) -> list[str]:
    """The requests of an access log that neither the test, `git push` nor Gitea itself made, without commits."""
    others = ("python-requests", "receive-pack", "/api/internal/")
    asked = [line.split('"')[1] for line in requests if not any(other in line for other in others)]
    return [re.sub(r"[0-9a-f]{40}", "…", line.partition("?")[0].removesuffix(" HTTP/1.1")) for line in asked]


def test_a_repository_of_gitea(installation: Installation, tmp_path: Path) -> None:
    server = installation.server
    server.call("ada", "POST", "/user/repos", {"name": "site", "private": False, "default_branch": "main"})
    source = Repository(tmp_path / "source")
    source.commit({".cadence/tests.yaml": TESTS})
    source.git("push", "--quiet", server.git_url("ada", "ada/site"), "main")

    repository = installation.connect()
    connected = installation.api("GET", f"/v1/repositories/{repository}")
    (hook,) = server.call("ada", "GET", "/repos/ada/site/hooks")
    assert hook["config"]["url"] == connected.json["webhook_url"]

    # A push, with a real signature, whose pipeline is read from the commit.
    before = len(server.requests())
    commit = source.commit({"src/a.py": "1"})
    source.git("push", "--quiet", server.git_url("ada", "ada/site"), "main")
    (run_id,) = installation.delivered(commit, "push")["runs"]
    installation.report()
    assert installation.statuses(commit) == {"cadence/tests": "pending"}
    installation.end(run_id, RunState.SUCCEEDED)
    assert installation.statuses(commit) == {"cadence/tests": "success"}
    # What a push with one pipeline costs the code host.
    asked = Counter(asked_by_cadence(server.requests()[before:]))
    assert asked == {
        "GET /ada/site.git/info/refs": 2,
        "POST /ada/site.git/git-upload-pack": 6,
        "POST /api/v1/repos/ada/site/statuses/…": 3,
    }

    # A branch whose pipeline is wrong shows the line.
    source.git("checkout", "--quiet", "-b", "wrong")
    wrong = source.commit({".cadence/tests.yaml": TESTS.replace("name: tests", "nmae: tests")})
    source.git("push", "--quiet", server.git_url("ada", "ada/site"), "wrong")
    installation.delivered(wrong, "push")
    installation.report()
    assert installation.statuses(wrong) == {"cadence/tests": "failure"}

    # A pull request from a fork runs the files of its base, and gets one comment that is edited.
    server.call("eve", "POST", "/repos/ada/site/forks", {})
    source.git("checkout", "--quiet", "-b", "change", "main")
    change = source.commit({".cadence/tests.yaml": TESTS.replace("make test", "steal"), "src/b.py": "1"})
    eventually(lambda: server.call("eve", "GET", "/repos/eve/site")["empty"] is False, pause=0.2)
    source.git("push", "--quiet", server.git_url("eve", "eve/site"), "change")
    pull = server.call(
        "eve", "POST", "/repos/ada/site/pulls", {"title": "A change", "head": "eve:change", "base": "main"}
    )
    (run_id,) = installation.delivered(change, "pull request")["runs"]
    assert "make test" in installation.api("GET", f"/v1/runs/{run_id}/document").text
    installation.end(run_id, RunState.FAILED, "test failed: exit code 2")
    assert installation.statuses(change) == {"cadence/tests (pull request)": "failure"}
    comments = f"/repos/ada/site/issues/{pull['number']}/comments"
    (comment,) = server.call("ada", "GET", comments)
    assert "exit code 2" in comment["body"]

    again = source.commit({"src/b.py": "2"})
    source.git("push", "--quiet", server.git_url("eve", "eve/site"), "change")
    (run_id,) = installation.delivered(again, "pull request")["runs"]
    installation.end(run_id, RunState.SUCCEEDED)
    assert installation.statuses(again) == {"cadence/tests (pull request)": "success"}
    (edited,) = server.call("ada", "GET", comments)
    assert edited["id"] == comment["id"] and "exit code 2" not in edited["body"]

    # Which branches are protected, by a rule with a pattern.
    source.git("push", "--quiet", server.git_url("ada", "ada/site"), f"{commit}:refs/heads/release/1")
    server.call("ada", "POST", "/repos/ada/site/branch_protections", {"rule_name": "release/*"})
    services = installation.api.services.repositories
    host = services.renew_protection.open_repository.open(services.store.get_repository(repository))
    assert {branch: host.is_protected(branch) for branch in ("main", "release/1")} == {"main": False, "release/1": True}

    # The doctor finds nothing to mend, and disconnecting removes the webhook. Each push was delivered once.
    checks = installation.api("GET", f"/v1/repositories/{repository}/checks").json
    assert checks["ok"], checks
    assert len([one for one in installation.deliveries() if one["commit"] == commit]) == 1
    assert installation.api("DELETE", f"/v1/repositories/{repository}").status == 200
    assert server.call("ada", "GET", "/repos/ada/site/hooks") == []
