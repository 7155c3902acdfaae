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


def meanings(body: str, more: str = "", context: Context = CONTEXT) -> list[tuple[str, str, str, str]]:
    """Returns each name with where it is used, whose secret it means, and why it means none."""
    source = f"cadence: 1\nname: p\n{more}treatments:\n  a: {body}\n"
    return [
        (
            one.name,
            " ".join([one.treatment or str(one.registry), *one.pools]),
            str(one.meant.owner) if one.meant else "open" if one.is_open else "missing",
            one.reason or "",
        )
        for one in validate(source, context=context).secrets
    ]


def test_a_check_tells_whose_secret_each_name_means() -> None:
    body = "{run: x, secrets: {A: npm, B: ghcr, C: key, D: npm}}"
    assert meanings(body, "registries: {ghcr.io: ghcr}\n") == [
        ("npm", "a", "team:web", ""),
        ("ghcr", "a", "organization", ""),
        ("key", "a", "organization", ""),
        ("ghcr", "ghcr.io", "organization", ""),
    ]
    assert meanings("{run: x, environment: production, secrets: {K: key}}") == [("key", "a", "project", "")]


def test_a_check_tells_in_which_pools_a_name_means_which_secret() -> None:
    assert meanings("{run: x, secrets: {K: both}}") == [
        ("both", "a gpu", "pool:gpu", ""),
        ("both", "a small", "pool:small", ""),
    ]
    reason = "The secret “license” does not reach the pool “small”: it is only for treatments that run in the pool gpu."
    assert meanings("{run: x, secrets: {K: license}}") == [
        ("license", "a gpu", "pool:gpu", ""),
        ("license", "a small", "missing", reason),
    ]


@pytest.mark.parametrize(
    ("body", "state", "reason"),
    [
        ("{run: x, secrets: {K: nothing}}", "missing", "The project has no secret “nothing”."),
        (
            "{run: x, environment: '${{ parameters.where }}', secrets: {K: key}}",
            "open",
            "Its environment is known when a run starts.",
        ),
        (
            "{run: x, pools: ['${{ parameters.where }}'], secrets: {K: license}}",
            "open",
            "The pools in which it may run are known when a run starts.",
        ),
    ],
)
def test_a_check_tells_why_a_name_means_no_secret_yet(body: str, state: str, reason: str) -> None:
    where = "parameters: {where: {type: string, default: gpu}}\n"
    ((_, _, is_now, why),) = meanings(body, where)
    assert (is_now, why) == (state, reason)


def test_without_the_secrets_of_a_project_nothing_is_told_of_names() -> None:
    assert meanings("{run: x, secrets: {K: npm}}", context=Context()) == []


def test_a_pool_that_is_not_given_to_the_project_is_named_as_such_only_to_whom_may_know_of_it() -> None:
    source = "cadence: 1\nname: p\ntreatments:\n  a: {run: x, pools: [tpu]}\n"
    (known,) = validate(source, context=Context(pools=CONTEXT.pools, other_pools=frozenset({"tpu"}))).findings
    assert (known.code, known.message) == ("unknown-pool", "The pool “tpu” is not given to the project.")
    assert known.hint == "Give it: cadence pool give tpu --to PROJECT."
    (unknown,) = validate(source, context=Context(pools=CONTEXT.pools)).findings
    assert (unknown.code, unknown.message) == ("unknown-pool", "The project has no pool “tpu”.")
