"""Outages between Cadence and a real Gitea server, of each side: what they lost is found by the reconciler.

Skipped where the server was not built (`.ci/peers gitea`).
"""

import importlib
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from cadence.domain.runs.states import RunState
from tests.git.repositories import Repository
from tests.integration.api.repositories.test_gitea import Installation, installation
from tests.integration.api.repositories.test_reconciling import give_up, let_pass
from tests.integration.api.repositories.test_repositories import TESTS, process_queue
from tests.waiting import eventually

__all__ = ["installation"]

pytestmark = pytest.mark.slow


def look() -> dict[str, int]:
    """Looks at all repositories, and processes the deliveries that were made."""
    sys.modules.pop("reconcile.handler", None)
    handler = importlib.import_module("reconcile.handler").handler
    found: dict[str, int] = handler({}, SimpleNamespace(get_remaining_time_in_millis=lambda: 600_000))
    process_queue()
    return found


def test_an_outage_of_each_side(installation: Installation, tmp_path: Path) -> None:
    server = installation.server
    server.call("ada", "POST", "/user/repos", {"name": "site", "private": False, "default_branch": "main"})
    source = Repository(tmp_path / "source")
    source.commit({".cadence/tests.yaml": TESTS})
    source.git("push", "--quiet", server.git_url("ada", "ada/site"), "main")
    repository_id = installation.connect()

    # Cadence is down: the webhooks of a push and of a pull request are lost, and Gitea does not send them again.
    installation.is_down.set()
    pushed = source.commit({"src/a.py": "1"})
    source.git("push", "--quiet", server.git_url("ada", "ada/site"), "main")
    source.git("checkout", "--quiet", "-b", "change")
    change = source.commit({"src/b.py": "1"})
    source.git("push", "--quiet", server.git_url("ada", "ada/site"), "change")
    server.call("ada", "POST", "/repos/ada/site/pulls", {"title": "A change", "head": "change", "base": "main"})
    eventually(lambda: installation.refused >= 3, pause=0.2)
    installation.is_down.clear()
    assert installation.deliveries() == []

    assert look() == {"looked": 1, "refused": 0, "started": 3, "redelivered": 0}
    assert look() == {"looked": 1, "refused": 0, "started": 0, "redelivered": 0}
    runs = installation.api("GET", "/v1/runs").json["items"]
    # The branch of the pull request triggers nothing by itself.
    assert sorted((run["commit"], run["branch"]) for run in runs) == sorted([(pushed, "main"), (change, "change")])
    (run_id,) = [run["run_id"] for run in runs if run["commit"] == pushed]

    # Gitea is down: neither the status nor a look gets through, until it is back.
    installation.report()
    with server.suspended():
        installation.end(run_id, RunState.SUCCEEDED)
        assert look()["refused"] == 1
        assert look() == {"looked": 0, "refused": 0, "started": 0, "redelivered": 0}
    assert installation.statuses(pushed) == {"cadence/tests": "pending"}
    let_pass(minutes=6)
    assert look() == {"looked": 1, "refused": 0, "started": 0, "redelivered": 0}
    give_up(repository_id, pushed)
    assert look()["looked"] == 1
    installation.report()
    assert installation.statuses(pushed) == {"cadence/tests": "success"}
