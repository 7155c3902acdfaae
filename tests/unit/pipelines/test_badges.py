"""Badges: what they say, and that any label makes a picture."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st

from cadence.application.pipelines.badges import Badges
from cadence.domain.pipelines.badge import BadgeSettings, BadgeState, BadgeSubject, badge_svg
from cadence.domain.runs.states import RunState
from cadence.domain.shared.errors import NotFound
from tests.fakes.runs import MemoryRunStore, a_run

MADE = datetime(2026, 1, 1, tzinfo=UTC)
SUBJECT = BadgeSubject(organization="default", project="default", pipeline="tests", branch="main")
PUSH = {"kind": "push", "branch": "main", "repository": "acme/site", "repository_id": "r-1"}


class MemoryBadgeSettings:
    def __init__(self) -> None:
        self.badges = BadgeSettings()

    def get_badge_settings(self, organization: str, project: str) -> BadgeSettings:
        return self.badges

    def put_badge_settings(self, organization: str, project: str, badges: BadgeSettings) -> None:
        self.badges = badges


@pytest.fixture
def badges() -> Badges:
    return Badges(settings=MemoryBadgeSettings(), runs=MemoryRunStore(), key=lambda: b"k" * 32)


def add(badges: Badges, number: int, state: RunState, event: Any = PUSH, **more: Any) -> None:
    run = replace(a_run(f"run-{number:04}"), organization="default", project="default", pipeline="tests")
    badges.runs.create_run(replace(run, state=state, event=event, **more))


def shown(badges: Badges, **more: Any) -> BadgeState:
    subject = replace(SUBJECT, **more)
    return badges.show(subject, MADE, badges.token(subject, MADE))


def test_the_newest_run_that_passed_or_failed_counts(badges: Badges) -> None:
    assert shown(badges) is BadgeState.NO_RUNS
    add(badges, 1, RunState.FAILED)
    add(badges, 2, RunState.SUCCEEDED)
    add(badges, 3, RunState.CANCELLED)
    add(badges, 4, RunState.RUNNING)
    assert shown(badges) is BadgeState.PASSING
    add(badges, 5, RunState.TIMED_OUT)
    assert shown(badges) is BadgeState.FAILING


def test_other_branches_repositories_pipelines_and_pull_requests_do_not_count(badges: Badges) -> None:
    add(badges, 1, RunState.SUCCEEDED)
    add(badges, 2, RunState.FAILED, {**PUSH, "branch": "change"})
    add(badges, 3, RunState.FAILED, {**PUSH, "kind": "pull_request", "fork": True})
    add(badges, 4, RunState.FAILED, pipeline="other")
    add(badges, 5, RunState.FAILED, generated=True)
    assert (
        shown(badges) is shown(badges, repository="r-1") is shown(badges, repository="acme/site") is BadgeState.PASSING
    )
    assert shown(badges, repository="r-2") is BadgeState.NO_RUNS
    assert shown(badges, branch=None) is BadgeState.FAILING


def test_at_most_500_runs_are_read(badges: Badges) -> None:
    add(badges, 0, RunState.SUCCEEDED)
    for number in range(1, 600):
        add(badges, number, RunState.SUCCEEDED, pipeline="other")
    assert shown(badges) is BadgeState.NO_RUNS


def test_a_token_shows_one_badge_until_it_is_revoked(badges: Badges) -> None:
    token = badges.token(SUBJECT, MADE)
    assert badges.show(SUBJECT, MADE, token) is BadgeState.NO_RUNS
    for other in ({"branch": None}, {"branch": "x"}, {"pipeline": "x"}, {"repository": "x"}, {"project": "x"}):
        with pytest.raises(NotFound):
            badges.show(replace(SUBJECT, **other), MADE, token)
    for wrong in ("", "ä", token[:-1]):
        with pytest.raises(NotFound):
            badges.show(SUBJECT, MADE, wrong)
    with pytest.raises(NotFound):  # a later project of this name
        badges.show(SUBJECT, datetime(2026, 2, 1, tzinfo=UTC), token)

    badges.set("default", "default", public=False, revoke_tokens=True)
    with pytest.raises(NotFound):
        badges.show(SUBJECT, MADE, token)
    badges.set("default", "default", public=True, revoke_tokens=False)
    assert badges.show(SUBJECT, MADE, "") is BadgeState.NO_RUNS


@given(st.text(max_size=100), st.sampled_from(BadgeState))
def test_any_label_is_text_of_a_picture(label: str, state: BadgeState) -> None:
    svg: Element = fromstring(badge_svg(label, state).encode("utf-8"), forbid_dtd=True)

    names = {element.tag.rpartition("}")[2] for element in svg.iter()}
    assert names == {"svg", "title", "clipPath", "rect", "g", "text"}
    assert not any("href" in key or key.startswith("on") for element in svg.iter() for key in element.attrib)
    texts = [element.text or "" for element in svg.iter() if element.tag.endswith("}text")]
    assert texts[1] == state and len(texts[0]) <= 80
    if label.isprintable() and len(label) <= 80:
        assert texts[0] == label
