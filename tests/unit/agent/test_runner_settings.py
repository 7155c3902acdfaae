"""What a command needs of its machine, and which variables name the commit of the event that started its run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runner_bootstrap.agent.assignments.assignment import Assignment
from runner_bootstrap.agent.runner.settings import RunnerSettings
from runner_bootstrap.agent.shared.errors import AgentError

ANSWER = {
    "session_token": "token",
    "run_id": "run",
    "treatment": "check",
    "attempt": 1,
    "run": "",
    "inputs": [],
    "outputs": [],
    "heartbeat_seconds": 10,
    "lease_seconds": 60,
    "offline": True,
}
EVENT = {"repository": "acme/site", "commit": "c0ffee", "branch": "", "tag": "v1", "type": "published"}
NAMES = ("CADENCE_REPOSITORY", "CADENCE_COMMIT", "CADENCE_BRANCH", "CADENCE_TAG", "CADENCE_EVENT_TYPE")


class Work:
    """In place of a workspace, of which only this folder is used without a sandbox."""

    def __init__(self, work: Path) -> None:
        self.work = work


def launched(folder: Path, **changes: Any) -> list[str]:
    settings = RunnerSettings("runner", folder, ())
    workspace: Any = Work(folder)
    return settings.launch_on_host(["true"], {}, workspace, Assignment({**ANSWER, **changes})).argv


def program(*, check_only: bool) -> dict[str, Any]:
    files = {"files": {"Compo.toml": ""}, "file": "Compo.toml", "entrypoint": "main", "treatment": "counting::main"}
    return {"program": {**files, "run_id": "run", "group_id": "group", "check_only": check_only}}


@pytest.fixture(autouse=True)
def no_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CADENCE_SANDBOX", "off")


def test_what_has_to_be_offline_needs_a_sandbox(tmp_path: Path) -> None:
    with pytest.raises(AgentError, match="cannot be offline on this machine"):
        launched(tmp_path)
    with pytest.raises(AgentError, match="cannot be offline on this machine"):
        launched(tmp_path, engine=program(check_only=False))


def test_the_check_of_a_program_needs_none(tmp_path: Path) -> None:
    """As the one that a program without inputs makes of itself; a pod has no sandbox."""
    assert launched(tmp_path, engine=program(check_only=True)) == ["true"]


def variables(event: dict[str, Any]) -> dict[str, str]:
    found = Assignment({**ANSWER, "event": event}).variables({})
    return {name: found[name] for name in NAMES if name in found}


@pytest.mark.parametrize("kind", ["push", "release"])
def test_a_git_event_names_its_commit(kind: str) -> None:
    assert variables({"kind": kind, **EVENT}) == {
        "CADENCE_REPOSITORY": "acme/site",
        "CADENCE_COMMIT": "c0ffee",
        "CADENCE_TAG": "v1",
        "CADENCE_EVENT_TYPE": "published",
    }


def test_other_events_may_have_members_of_these_names() -> None:
    assert variables({"kind": "webhook", **EVENT}) == {"CADENCE_EVENT_TYPE": "published"}
