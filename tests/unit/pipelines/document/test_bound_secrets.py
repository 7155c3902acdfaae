"""Secrets that are bound to an environment, in documents that may name them."""

import pytest

from cadence.domain.limits.environment_set import EnvironmentSet
from cadence.domain.pipelines.document import Context, validate
from cadence.domain.pipelines.planning.specifying import branch_of

CONTEXT = Context(
    secrets=frozenset({"key"}),
    bound={"key": "production"},
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
    assert environment.open_to(branch_of(event)) is opened
