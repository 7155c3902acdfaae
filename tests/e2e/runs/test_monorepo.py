"""The example of a repository's CI, in a fork's pull request: matrix, service, cache, artifact, approval, and no
secret.
"""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.api import Api, states
from tests.e2e.conftest import serving
from tests.e2e.github_events import deliver, pull_request_of_a_fork, repository
from tests.git.repositories import Repository, served
from tests.integration.agent.podman import content, podman, working
from tests.waiting import eventually

pytestmark = [pytest.mark.podman, pytest.mark.slow]

DOCUMENT = (Path(__file__).parents[3] / "examples" / "monorepo.yaml").read_text()
IMAGE = f"localhost/cadence-monorepo-test:{uuid.uuid4().hex[:8]}"
SECRET = "a webhook's secret, long enough"
READY = "#!/bin/sh\ntest -e /ready\n"
DATABASE = ["/bin/sh", "-c", "touch /ready; while :; do echo stored | nc -l -p 5432; done"]
TEST = """
for attempt in 1 2 3 4 5; do got=$(nc "$1" "$2" < /dev/null) && break; sleep 0.2; done
test "$got" = stored && echo "tested {} with the database"
"""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Hub"]:
    """A stack of its own, whose host starts containers as this machine allows."""
    with working() as arguments, pytest.MonkeyPatch.context() as patch:
        own_network = [each for each in arguments if "host" not in each]
        if not own_network:
            pytest.skip("two instances need the same port, and containers have no network of their own here")
        made = podman("import", "--change", f"CMD {json.dumps(DATABASE)}", "-", IMAGE, stdin=content(pg_isready=READY))
        assert made.returncode == 0, made.stderr.decode()
        patch.setenv("CADENCE_PODMAN_ARGS", own_network[0])
        folder = tmp_path_factory.mktemp("monorepo")
        try:
            with served(folder / "git") as address, serving(folder / "stack") as stack:
                yield Hub(Api(stack.url, stack.token), Repository(folder / "git" / "web"), f"{address}/web")
        finally:
            podman("image", "rm", "--force", IMAGE)


class Hub:
    """A git host with one repository and its fork, whose pull requests start the example."""

    def __init__(self, api: Api, work_tree: Repository, address: str) -> None:
        self.api, self.work_tree, self._address = api, work_tree, address
        files: dict[str, str | None] = {"requirements.txt": "a==1\n"}
        files.update({f"{part}/test.sh": TEST.format(part) for part in ("lib", "app")})
        self.base = work_tree.commit(files)
        work_tree.git("checkout", "--quiet", "-b", "change")
        self._put("/v1/projects/default/secrets/deploy-key", {"value": "s3cr3t-of-the-project"})
        self._put("/v1/projects/default/environments/preview", {"approvals": {"required": 1}})
        document = DOCUMENT.replace('"python:3.13"', IMAGE).replace('"postgres:16"', IMAGE)
        self._put("/v1/projects/default/pipelines/monorepo", {"document": document})
        hook = {"kind": "github", "project": "default", "name": "hub", "webhook_secret": SECRET}
        self._hook = api.call("POST", "/v1/githosts", json=hook).json()["webhook_path"]

    def pull_request(self, number: int) -> str:
        """The run that a new commit of the fork's pull request starts."""
        head = self.work_tree.commit({"lib/new.py": f"{number} = {number}\n"})
        return self._started_by("pull_request", pull_request_of_a_fork(number, self._address, self.base, head))

    def push(self) -> str:
        """The run that a push of the newest commit to the project's own repository starts."""
        payload = {
            "ref": "refs/heads/main",
            "before": self.base,
            "after": self.work_tree.git("rev-parse", "HEAD"),
            "repository": repository(1, "acme/web", self._address),
            "sender": {"login": "ann"},
            "commits": [],
        }
        return self._started_by("push", json.dumps(payload).encode())

    def _started_by(self, event: str, body: bytes) -> str:
        before = {run["run_id"] for run in self._runs()}
        assert deliver(self.api.url + self._hook, body, event, SECRET).status_code == 202
        new = eventually(lambda: {run["run_id"] for run in self._runs()} - before, what="no run was started")
        return str(new.pop())

    def _runs(self) -> list[dict[str, Any]]:
        return list(self.api.get("/v1/runs", pipeline="monorepo")["items"])

    def _put(self, path: str, body: dict[str, Any]) -> None:
        answer = self.api.call("PUT", path, json=body)
        assert answer.ok, answer.text


@pytest.fixture(scope="module")
def waiting(hub: Hub) -> dict[str, Any]:
    """The run of a fork's pull request as it was when it waited for the approval that it then got."""
    run_id = hub.pull_request(1)
    waiting = hub.api.until(run_id, lambda run: _of(run, "preview").get("waiting_for"))
    _approve(hub.api, run_id)
    hub.api.finished(run_id)
    return waiting


def test_a_forks_pull_request_runs_everything_but_the_release(hub: Hub, waiting: dict[str, Any]) -> None:
    api, run_id = hub.api, waiting["run_id"]
    assert "approv" in _of(waiting, "preview")["waiting_for"]
    assert states(waiting)["test"] == "succeeded", _of(waiting, "test")

    run = api.finished(run_id)

    assert run["state"] == "succeeded", run["cause"]
    assert states(run) == {
        "fetch": "succeeded", "test": "succeeded", "test:lib": "succeeded", "test:app": "succeeded",
        "summary": "succeeded", "package": "succeeded", "preview": "succeeded", "release": "skipped",
    }  # fmt: skip
    assert "secrets are not given to pull requests from forks" in _of(run, "release")["cause"]
    assert json.loads(_printed(api, run_id, "summary")[0]) == ["lib is good", "app is good"]
    assert "site/lib/new.py" in _printed(api, run_id, "preview")
    for part in ("lib", "app"):
        assert f"tested {part} with the database" in _printed(api, run_id, f"test:{part}")
    assert not any("s3cr3t-of-the-project" in line["text"] for line in api.lines(run_id))


def test_every_treatment_is_the_same_again_and_asks_for_approval_again(hub: Hub, waiting: dict[str, Any]) -> None:
    api, run_id = hub.api, waiting["run_id"]

    def replay(treatment: str) -> Any:
        return api.call("POST", f"/v1/runs/{run_id}/treatments/{treatment}/replay", json={})

    started = {name: replay(name).json() for name in ("fetch", "test:lib", "test:app", "summary", "package", "preview")}
    preview = started["preview"]["run_id"]
    api.until(preview, lambda run: "approv" in (_of(run, "preview").get("waiting_for") or ""))
    _approve(api, preview)
    for name, replay_of in started.items():
        assert api.finished(replay_of["run_id"])["state"] == "succeeded", name
        found = api.get(f"/v1/runs/{replay_of['run_id']}/comparison")
        assert (found["verdict"], found["first"]) == ("deterministic", None), name
    assert started["test:lib"]["unlike"][-1].startswith("The cache dependencies-lib is as it is today")
    assert "replay one of its instances: test:lib, test:app" in replay("test").json()["detail"]
    assert "never ran (secrets are not given to pull requests from forks)" in replay("release").json()["detail"]


def test_what_only_the_project_itself_may_do_is_the_same_again(hub: Hub) -> None:
    hub.work_tree.commit({"app/new.py": "1\n"})  # a push without changes starts nothing
    run_id = hub.push()
    hub.api.until(run_id, lambda run: "approv" in (_of(run, "preview").get("waiting_for") or ""))
    _approve(hub.api, run_id)
    run = hub.api.finished(run_id)
    assert states(run)["release"] == "succeeded", _of(run, "release")
    replay = hub.api.call("POST", f"/v1/runs/{run_id}/treatments/release/replay", json={}).json()["run_id"]
    assert hub.api.finished(replay)["state"] == "succeeded"
    found = hub.api.get(f"/v1/runs/{replay}/comparison")
    assert (found["verdict"], found["first"]) == ("deterministic", None)


def test_another_commit_restores_what_the_first_installed_only_if_it_may_be_trusted(hub: Hub) -> None:
    """A fork restores what others kept, but keeps nothing itself: its first run left nothing behind."""
    hub.work_tree.commit({"requirements.txt": "a==2\n"})  # so that no other test has kept this
    run_id = hub.pull_request(2)
    hub.api.until(run_id, lambda run: states(run).get("test:lib") == "succeeded")
    assert "installing what requirements.txt names" in _tested(hub.api, run_id)
    hub.api.call("POST", f"/v1/runs/{run_id}/cancel")

    for expected in (True, False):  # of the project itself: the first keeps, the second finds
        run_id = hub.push()
        hub.api.until(run_id, lambda run: states(run).get("test:lib") == "succeeded")
        installed = "installing what requirements.txt names" in _tested(hub.api, run_id)
        assert installed is expected
        hub.api.call("POST", f"/v1/runs/{run_id}/cancel")
        hub.api.finished(run_id)


def _approve(api: Api, run_id: str) -> None:
    decision = {"decision": "approve", "comment": "looks good"}
    answer = api.call("POST", f"/v1/runs/{run_id}/treatments/preview/approval", json=decision)
    assert answer.ok, answer.text


def _of(run: dict[str, Any], treatment: str) -> dict[str, Any]:
    return next((each for each in run["treatments"] if each["name"] == treatment), {})


def _tested(api: Api, run_id: str) -> list[str]:
    """What the tests of lib printed, once their last line can be read."""

    def printed() -> list[str]:
        lines = _printed(api, run_id, "test:lib")
        return lines if "tested lib with the database" in lines else []

    return eventually(printed)


def _printed(api: Api, run_id: str, treatment: str) -> list[str]:
    return [line["text"] for line in api.lines(run_id, treatment=treatment) if line["stream"] == "stdout"]
