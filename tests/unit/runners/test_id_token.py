"""The claims of identity tokens: what a treatment is, and nothing that it could say of itself."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadence.domain.pipelines.forks import WITHHELD, withhold
from cadence.domain.pipelines.plan import spec_from_json, spec_to_json
from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.runners.id_token import SigningKeyPeriod, id_token_claims
from cadence.domain.runners.runner import Runner, RunnerState
from cadence.domain.runs.run import ReplayOf, Run
from cadence.domain.runs.states import RunState

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
PUSH = {"kind": "push", "branch": "main", "repository": "acme/web", "commit": "c0ffee", "repository_id": "r-1"}
RUN = Run(
    run_id="01jd", organization="acme", project="web", pipeline="deploy", state=RunState.RUNNING, created_at=NOW,
    document_sha256="", plan_sha256="", event=PUSH,
)  # fmt: skip
SPEC = TreatmentSpec(name="ship", run="make ship", id_token="sts.amazonaws.com", environment="production")
RUNNER = Runner(
    runner_id="r1", run_id="01jd", treatment="ship", attempt=2, organization="acme", project="web", pool="linux",
    provider="host", state=RunnerState.CLAIMED, created_at=NOW,
)  # fmt: skip
ISSUER = "https://cadence.example.org"


def claims(run: Run = RUN, spec: TreatmentSpec = SPEC) -> dict[str, Any]:
    return dict(id_token_claims(run, spec, RUNNER, ISSUER, NOW))


def test_the_claims_of_a_deployment() -> None:
    at = int(NOW.timestamp())
    assert claims() == {
        "iss": ISSUER,
        "sub": "organization:acme:project:web:pipeline:deploy:environment:production:ref:refs/heads/main",
        "aud": "sts.amazonaws.com",
        "iat": at,
        "nbf": at,
        "exp": at + 3_600,
        "organization": "acme",
        "project": "web",
        "pipeline": "deploy",
        "pipeline_source": "repository",
        "treatment": "ship",
        "environment": "production",
        "repository": "acme/web",
        "ref": "refs/heads/main",
        "commit": "c0ffee",
        "event": "push",
        "run_id": "01jd",
        "attempt": "2",
        "pool": "linux",
        "runner_id": "r1",
    }


@pytest.mark.parametrize(
    ("event", "ref"),
    [
        ({"kind": "push", "branch": "main"}, "refs/heads/main"),
        ({"kind": "push", "tag": "v1"}, "refs/tags/v1"),
        ({"kind": "release", "tag": "v1", "branch": ""}, "refs/tags/v1"),
        ({"kind": "pull_request", "number": 7, "branch": "main"}, "refs/pull/7"),
        ({"kind": "api"}, None),
        ({"kind": "schedule", "branch": "main"}, None),
        ({}, None),
    ],
    ids=["branch", "tag", "release", "pull-request", "api", "schedule", "none"],
)
def test_the_ref_is_that_of_the_event(event: dict[str, Any], ref: str | None) -> None:
    made = claims(replace(RUN, event=event))
    assert made.get("ref") == ref
    assert made["sub"].endswith(f":ref:{ref}") if ref else ":ref:" not in made["sub"]


def test_a_document_sent_with_the_request_cannot_take_a_pipeline_s_name() -> None:
    inline, stored = replace(RUN, event={"kind": "api"}), replace(RUN, event={"kind": "api"}, pipeline_version=3)
    assert claims(inline)["sub"] == "organization:acme:project:web:inline:deploy:environment:production"
    assert claims(stored)["sub"] == "organization:acme:project:web:pipeline:deploy:environment:production"
    assert (claims(inline)["pipeline_source"], claims(stored)["pipeline_source"]) == ("inline", "stored")


def test_a_document_that_a_treatment_sent_cannot_take_a_pipeline_s_name() -> None:
    generated = claims(replace(RUN, generated=True))
    assert ":inline:deploy:" in generated["sub"]
    assert generated["pipeline_source"] == "generated"


def test_a_replay_says_so() -> None:
    replay = replace(RUN, replay_of=ReplayOf("01aa", "ship"))
    assert claims(replay)["event"] == "replay"


def test_a_token_does_not_outlive_a_short_treatment() -> None:
    made = claims(spec=replace(SPEC, max_duration=600))
    assert made["exp"] - made["iat"] == 600
    made = claims(spec=replace(SPEC, max_duration=1))
    assert made["exp"] - made["iat"] == 300


names = st.from_regex(r"[a-z][a-z0-9_-]{0,10}", fullmatch=True)
refs = st.text(st.characters(codec="ascii", exclude_characters=":\0 ~^?*[\\"), min_size=1, max_size=20)


@given(st.tuples(names, names, names, st.none() | names, refs), st.tuples(names, names, names, st.none() | names, refs))
def test_subjects_of_different_treatments_differ(one: tuple[Any, ...], other: tuple[Any, ...]) -> None:
    def subject(organization: str, project: str, pipeline: str, environment: str | None, branch: str) -> str:
        event = {**PUSH, "branch": branch}
        run = replace(RUN, organization=organization, project=project, pipeline=pipeline, event=event)
        return str(claims(run, replace(SPEC, environment=environment))["sub"])

    assert (subject(*one) == subject(*other)) == (one == other)


def test_pull_requests_from_forks_get_none() -> None:
    (withheld,) = withhold([SPEC], {"kind": "pull_request", "fork": True})
    assert withheld.never == WITHHELD
    assert withhold([SPEC], PUSH) == (SPEC,)


def test_the_audience_is_part_of_the_plan() -> None:
    assert spec_from_json(spec_to_json(SPEC)) == SPEC


@given(st.integers(0, 14 * 365 * 24).map(lambda hours: NOW + timedelta(hours=hours)))
def test_a_key_is_published_before_it_signs_and_for_as_long_as_its_tokens_are_valid(at: datetime) -> None:
    period = SigningKeyPeriod.at(at)
    assert period in SigningKeyPeriod.at(at + timedelta(hours=2)).published
    assert period in SigningKeyPeriod.at(at - timedelta(days=29)).published
    assert period.expires_at >= at + timedelta(days=30)
