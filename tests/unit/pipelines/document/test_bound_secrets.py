"""Secrets that are bound to an environment, in documents that may name them."""

import pytest

from cadence.domain.access.secret_owner import KnownSecret
from cadence.domain.limits.environment_set import EnvironmentSet
from cadence.domain.pipelines.document import Context, validate

CONTEXT = Context(
    secrets=(KnownSecret("key", bound_to=frozenset({"production"})),),
    environments={"production": EnvironmentSet(name="production")},
)


@pytest.mark.parametrize(
    "environment",
    ["production", "{name: production}", '"${{ parameters.where }}"'],
    ids=["by name", "as a mapping", "as an expression"],
)
def test_a_treatment_of_its_environment_may_name_a_bound_secret(environment: str) -> None:
    """What an expression gives is known only to the run: the claim decides."""
    checked = validate(
        "cadence: 1\nname: deploy\nparameters: {where: {type: string, default: production}}\n"
        f"treatments:\n  deploy: {{run: x, environment: {environment}, secrets: {{KEY: key}}}}\n",
        context=CONTEXT,
    )
    assert checked.findings == ()


def test_a_definition_is_judged_by_the_treatments_that_use_it() -> None:
    source = (
        "cadence: 1\nname: deploy\ndefinitions:\n  send: {run: x, secrets: {KEY: key}}\n"
        "treatments:\n  right: {use: send, environment: production}\n  wrong: {use: send}\n"
    )
    found = validate(source, context=CONTEXT).findings
    assert [finding.code for finding in found] == ["secret-of-environment"]


@pytest.mark.parametrize(
    ("event", "opened"),
    [
        ({"kind": "push", "branch": "main"}, True),
        ({"kind": "push", "branch": "release/2"}, True),
        ({"kind": "push", "branch": "mainline"}, False),
        ({"kind": "push", "branch": "", "tag": "v1"}, False),
        ({"kind": "pull_request", "branch": "main", "base_branch": "main"}, False),
        ({"kind": "api"}, False),
        ({"kind": "trigger", "run_id": "r", "pipeline": "p", "treatment": "t"}, False),
    ],
    ids=["main", "a pattern", "another", "a tag", "a pull request", "a token", "another run"],
)
def test_only_a_push_to_its_branches_opens_the_environment_of_a_secret(event: dict[str, str], opened: bool) -> None:
    """The events are those that code hosts, tokens and runs begin with; no caller chooses the branch of one."""
    environment = EnvironmentSet(name="production", branches=("main", "release/*"))
    assert (environment.closed_to(event) is None) is opened


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({"kind": "push", "branch": "main", "branch_protected": True}, None),
        ({"kind": "push", "branch": "main", "branch_protected": False}, "the code host does not protect “main”"),
        (
            {"kind": "push", "branch": "main", "branch_protected": False, "branch_protection_problem": "403: no."},
            "whether “main” is protected cannot be read: 403: no",
        ),
        ({"kind": "push", "branch": "main", "repository_id": "r-1"}, "was not asked when this run was planned"),
        ({"kind": "push", "branch": "main"}, "this run is of no connected repository"),
        ({"kind": "push", "branch": "", "tag": "v1"}, "this run is of the tag “v1”"),
        ({"kind": "pull_request", "branch": "main", "base_branch": "main"}, "this run is of no branch"),
        ({"kind": "api"}, "this run is of no branch"),
        ({"kind": "pipeline", "run_id": "r"}, "this run is of no branch"),
    ],
    ids=[
        "protected", "unprotected", "no answer", "not asked", "no repository", "tag", "pull request", "token", "run"
    ],
)  # fmt: skip
def test_an_environment_of_protected_branches_is_open_to_pushes_to_these(
    event: dict[str, object], reason: str | None
) -> None:
    closed = EnvironmentSet(name="production", protected_branches=True).closed_to(event)
    assert (closed is None) if reason is None else (closed is not None and reason in closed)


def test_both_restrictions_have_to_be_met() -> None:
    both = EnvironmentSet(name="production", branches=("main",), protected_branches=True)
    push = {"kind": "push", "branch_protected": True}
    assert both.closed_to({**push, "branch": "main"}) is None
    assert "is only for runs of main; this run is of “other”" in (both.closed_to({**push, "branch": "other"}) or "")
