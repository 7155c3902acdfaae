"""Which secret a name means: of all that are given to a project, the most specific one that reaches."""

from collections.abc import Collection

from hypothesis import given
from hypothesis import strategies as st

from cadence.domain.access.secret_owner import (
    OF_ORGANIZATION,
    OF_PROJECT,
    KnownSecret,
    OutOfReach,
    OwnerKind,
    SecretOwner,
    SecretUse,
    parse_reference,
    pool_owner,
    resolve_secret,
    team_owner,
)

NAMES = st.sampled_from(["a", "b"])
ENVIRONMENTS = st.sampled_from(["production", "staging"])
OWNERS = st.one_of(
    st.just(OF_PROJECT), st.just(OF_ORGANIZATION), st.builds(team_owner, NAMES), st.builds(pool_owner, NAMES)
)
PROJECTS = st.sampled_from(["web", "api"])


@st.composite
def secrets(draw: st.DrawFn) -> KnownSecret:
    owner = draw(OWNERS)
    bound = draw(st.frozensets(ENVIRONMENTS, max_size=2)) if owner == OF_PROJECT else frozenset()
    shared = owner.kind in (OwnerKind.TEAM, OwnerKind.ORGANIZATION)
    projects = draw(st.lists(st.one_of(PROJECTS, st.just("*")), unique=True)) if shared else []
    return KnownSecret(draw(NAMES), owner, bound, tuple(projects))


KNOWN = st.lists(secrets(), unique_by=lambda one: (one.owner, one.name), max_size=12)
USES = st.builds(SecretUse, st.one_of(st.none(), ENVIRONMENTS), st.one_of(st.none(), NAMES))


def reaches(one: KnownSecret, use: SecretUse) -> bool:
    """The rule in the words of docs/security.md, written a second time."""
    if one.owner.kind is OwnerKind.POOL:
        return use.pool is not None and one.owner.name == use.pool
    return not one.bound_to or one.bound_to == {use.environment}


@given(KNOWN, NAMES, USES)
def test_what_is_meant_has_the_name_and_reaches_and_nothing_more_specific_does(
    known: list[KnownSecret], name: str, use: SecretUse
) -> None:
    candidates = [one for one in known if one.name == name and reaches(one, use)]
    meant = resolve_secret(name, known, use)
    if isinstance(meant, OutOfReach):
        assert candidates == []
    else:
        assert meant in candidates
        order = ["project", "pool", "team", "organization"]
        assert all(order.index(meant.owner.kind) <= order.index(one.owner.kind) for one in candidates)


@given(KNOWN, NAMES, USES, st.randoms(use_true_random=False))
def test_the_order_in_which_secrets_are_stored_decides_nothing(known, name, use, random) -> None:
    meant = resolve_secret(name, known, use)
    random.shuffle(known)
    assert resolve_secret(name, known, use) == meant


@given(KNOWN, NAMES, USES, secrets())
def test_a_secret_more_takes_nothing_away_and_one_of_another_name_changes_nothing(known, name, use, another) -> None:
    before = resolve_secret(name, known, use)
    after = resolve_secret(name, [*known, another], use)
    if another.name != name:
        assert after == before
    elif not isinstance(before, OutOfReach):
        assert after in (before, another)


@given(secrets(), PROJECTS, st.frozensets(NAMES))
def test_only_its_projects_know_of_a_secret(one: KnownSecret, project: str, pools: Collection[str]) -> None:
    expected = {
        OwnerKind.PROJECT: True,
        OwnerKind.POOL: one.owner.name in pools,
        OwnerKind.TEAM: project in one.projects or "*" in one.projects,
        OwnerKind.ORGANIZATION: project in one.projects or "*" in one.projects,
    }
    assert one.is_given_to(project, pools) is expected[one.owner.kind]


@given(st.lists(secrets(), min_size=2, max_size=2))
def test_a_reference_is_that_of_one_owner_and_name(two: list[KnownSecret]) -> None:
    first, second = two
    assert parse_reference(first.reference) == (first.owner, first.name)
    same = (first.owner, first.name) == (second.owner, second.name)
    assert (first.reference == second.reference) is same


def test_what_is_bound_is_told_where_it_reaches() -> None:
    known = [
        KnownSecret("key", bound_to=frozenset({"production"})),
        KnownSecret("key", SecretOwner(OwnerKind.POOL, "gpu")),
    ]
    missed = resolve_secret("key", known, SecretUse("staging", "small"))
    assert isinstance(missed, OutOfReach)
    assert missed.only_for == "treatments of the environment production, or that run in the pool gpu"
    assert resolve_secret("other", known, SecretUse()) == OutOfReach()
