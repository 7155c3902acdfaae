"""Which variables name the commit of the event that started a run."""

from __future__ import annotations

from typing import Any

import pytest

from runner_bootstrap.agent.assignments.assignment import Assignment
from tests.unit.agent.test_runner_settings import ANSWER

EVENT = {"repository": "acme/site", "commit": "c0ffee", "branch": "", "tag": "v1", "type": "published"}
NAMES = ("CADENCE_REPOSITORY", "CADENCE_COMMIT", "CADENCE_BRANCH", "CADENCE_TAG", "CADENCE_EVENT_TYPE")


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
