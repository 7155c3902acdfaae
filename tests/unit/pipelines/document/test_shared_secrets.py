"""Secrets of pools, teams and the organization, in documents that name them."""

import pytest

from cadence.domain.access.secret_owner import OF_ORGANIZATION, KnownSecret, pool_owner, team_owner
from cadence.domain.limits.environment_set import EnvironmentSet
from cadence.domain.pipelines.document import Context, PoolOffer, validate

CONTEXT = Context(
    secrets=(
        KnownSecret("license", pool_owner("gpu")),
        KnownSecret("both", pool_owner("gpu")),
        KnownSecret("both", pool_owner("small")),
        KnownSecret("npm", team_owner("web"), projects=("site",)),
        KnownSecret("ghcr", OF_ORGANIZATION, projects=("*",)),
        KnownSecret("key", bound_to=frozenset({"production"})),
        KnownSecret("key", OF_ORGANIZATION, projects=("*",)),
    ),
    pools={"gpu": PoolOffer(), "small": PoolOffer()},
    environments={"production": EnvironmentSet(name="production")},
)


@pytest.mark.parametrize(
    "body",
    [
        "{run: x, pools: [gpu], secrets: {K: license}}",
        "{run: x, pools: ['${{ parameters.where }}'], secrets: {K: license}}",
        "{run: x, secrets: {K: both}}",
        "{run: x, secrets: {K: npm, L: ghcr}}",
        "{run: x, secrets: {K: key}}",
        "{run: x, environment: production, secrets: {K: key}}",
    ],
    ids=["its pool", "an expression", "every pool has one", "a team's", "the organization's", "the project's"],
)
def test_a_secret_that_reaches_wherever_the_treatment_may_run(body: str) -> None:
    source = f"cadence: 1\nname: p\nparameters: {{where: {{type: string, default: gpu}}}}\ntreatments:\n  a: {body}\n"
    assert validate(source, context=CONTEXT).findings == ()


@pytest.mark.parametrize(
    "body", ["{run: x, secrets: {K: license}}", "{run: x, pools: [gpu, small], secrets: {K: license}}"]
)
def test_a_pools_secret_is_refused_if_another_pool_may_run_the_treatment(body: str) -> None:
    (finding,) = validate(f"cadence: 1\nname: p\ntreatments:\n  a: {body}\n", context=CONTEXT).findings
    assert finding.code == "secret-of-pool"
    assert finding.message == (
        "The secret “license” does not reach the pool “small”: it is only for treatments that run in the pool gpu."
    )
    assert finding.hint == "Give the treatment `pools: [gpu]`, or name another secret."


def test_logins_of_registries_may_be_the_organizations() -> None:
    source = "cadence: 1\nname: p\nregistries: {ghcr.io: ghcr}\ntreatments:\n  a: {run: x}\n"
    assert validate(source, context=CONTEXT).findings == ()
