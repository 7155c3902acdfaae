"""The decision over arbitrary rights: allowed exactly if one right has the permission at the thing or above it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadence.domain.access.access import ALL_PROJECTS, Permission, Principal
from cadence.domain.access.decisions import AccessAllowed, AccessRefused, Right, decide
from cadence.domain.access.people import AccessPolicy, Grant, Subject, SubjectKind, holders
from cadence.domain.access.roles import BUILT_IN_ROLES
from cadence.domain.access.scopes import ORGANIZATION, Scope, ScopeKind, pool_scope, project_scope
from cadence.domain.shared.errors import InvalidRequest

NOW = datetime(2026, 3, 4, tzinfo=UTC)
names = st.sampled_from(["web", "site", "build"])
scopes = st.one_of(
    st.just(ORGANIZATION),
    names.map(project_scope),
    st.builds(lambda project, name: project_scope(project, pipeline=name), names, names),
    st.builds(lambda project, name: project_scope(project, environment=name), names, names),
    names.map(pool_scope),
)
permissions = st.sampled_from(["runs:read", "runs:start", "secrets:write", "pools:write"])
rights = st.builds(
    Right,
    grant_id=st.just("grant"),
    subject=st.just("team:dev"),
    role=st.just("own"),
    scope=scopes,
    permissions=st.frozensets(permissions, max_size=3),
)


def above(thing: Scope) -> list[Scope]:
    """The scopes at which a grant holds for `thing`."""
    return [ORGANIZATION, thing, *([project_scope(thing.project)] if thing.project else [])]


@given(st.lists(rights, max_size=6), permissions, scopes)
def test_allowed_exactly_if_one_right_allows_it_there_or_above(held, permission, thing):
    expected = any(right.scope in above(thing) and permission in right.permissions for right in held)
    assert isinstance(decide(held, permission, thing), AccessAllowed) == expected


@given(st.lists(rights, max_size=6), rights, permissions, scopes)
def test_a_further_grant_takes_nothing_away(held, further, permission, thing):
    if isinstance(decide(held, permission, thing), AccessAllowed):
        assert isinstance(decide([further, *held], permission, thing), AccessAllowed)


@given(st.lists(rights, max_size=6), rights, permissions, scopes)
def test_a_token_allows_no_more_than_its_holder_and_no_more_than_itself(held, cap, permission, thing):
    decision = decide(held, permission, thing, cap)
    both = cap.allows(permission, thing) and isinstance(decide(held, permission, thing), AccessAllowed)
    assert isinstance(decision, AccessAllowed) == both


@given(st.lists(rights, max_size=8), permissions, scopes)
def test_a_refusal_names_rights_that_come_near(held, permission, thing):
    decision = decide(held, permission, thing)
    if isinstance(decision, AccessRefused):
        assert len(decision.nearest) <= 5
        assert all(right.has(permission) != right.scope.covers(thing) for right in decision.nearest)


@given(scopes)
def test_a_scope_is_read_as_it_is_written(scope):
    assert Scope.parse(str(scope)) == scope


@pytest.mark.parametrize("text", ["", "org", "project:", "project:a/b", "pipeline:a", "pool:a/b", "project:A", "*"])
def test_other_texts_are_no_scopes(text):
    with pytest.raises(InvalidRequest):
        Scope.parse(text)


@pytest.mark.parametrize("text", ["", "member:ada", "team:", "team:a/b/c", "service-account:a/b", "user:a", "*"])
def test_other_texts_are_no_subjects(text):
    with pytest.raises(InvalidRequest):
        Subject.parse(text)


def principal(*held: Right, project: str = ALL_PROJECTS, asked: str | None = "runs:read") -> Principal:
    return Principal(
        token_id="t",
        name="ada",
        organization="acme",
        project=project,
        permissions=frozenset({"*"}),
        subject="member:x",
        rights=held,
        asked=asked,
    )


def right(scope: Scope, *held: str) -> Right:
    return Right(grant_id="g", subject="member:x", role="r", scope=scope, permissions=frozenset(held))


@given(st.lists(rights, max_size=6), permissions, names)
def test_nothing_of_another_organization_is_ever_seen(held, permission, project):
    by = principal(*held, asked=permission)
    assert not by.sees("rival", project)
    assert not by.sees_within("rival", project)


@given(st.lists(rights, max_size=6), permissions, names, names)
def test_what_is_seen_of_a_project_is_within_it(held, permission, project, pipeline):
    by = principal(*held, asked=permission)
    if by.sees("acme", project) or by.sees("acme", project, pipeline=pipeline):
        assert by.sees_within("acme", project)


@given(st.lists(rights, max_size=6), names)
def test_a_principal_that_asks_for_nothing_sees_nothing(held, project):
    assert not principal(*held, asked=None).sees("acme", project)


def test_a_pool_is_seen_by_those_who_may_use_or_own_it():
    assert principal(right(pool_scope("metal"), "runs:read")).sees_pool("metal", ["web"])
    assert principal(right(project_scope("web"), "runs:read")).sees_pool("metal", ["web"])
    assert principal(right(project_scope("web"), "runs:read")).sees_pool("metal", ["*"])
    assert not principal(right(project_scope("site"), "runs:read")).sees_pool("metal", ["web"])
    assert not principal(right(project_scope("web"), "runs:start")).sees_pool("metal", ["*"])
    assert not principal(right(pool_scope("other"), "runs:read")).sees_pool("metal", ["*"])


def test_a_token_of_one_project_hides_its_holders_other_projects():
    by = principal(right(ORGANIZATION, "runs:read"), project="web")
    assert by.sees("acme", "web")
    assert not by.sees("acme", "site")
    assert not by.whole_organization


@pytest.mark.parametrize("role", sorted(BUILT_IN_ROLES))
def test_built_in_roles_hold_known_permissions_only(role):
    assert BUILT_IN_ROLES[role] <= set(map(str, Permission))
    assert "organizations:manage" not in BUILT_IN_ROLES[role]


def test_the_roles_of_developers_grow():
    assert BUILT_IN_ROLES["viewer"] < BUILT_IN_ROLES["developer"] < BUILT_IN_ROLES["maintainer"]
    assert BUILT_IN_ROLES["maintainer"] < BUILT_IN_ROLES["admin"]
    assert all(permission.endswith(":read") for permission in BUILT_IN_ROLES["auditor"] | BUILT_IN_ROLES["viewer"])
    assert not BUILT_IN_ROLES["auditor"] & {"values:read", "logs:read"}


def test_a_guest_has_only_what_was_granted_to_its_team_there():
    member = Subject(SubjectKind.MEMBER, "0" * 26)
    grants = [
        Grant(grant_id=str(n), subject=subject, role="viewer", scope=ORGANIZATION, created_at=NOW, created_by="x")
        for n, subject in enumerate(
            [member, Subject(SubjectKind.TEAM, "dev"), Subject(SubjectKind.TEAM, "dev", "acme")]
        )
    ]
    policy = AccessPolicy("rival", 1, {}, tuple(grants))

    at_home = policy.rights(holders(member, "acme", {"dev"}, "acme"))
    as_guest = policy.rights(holders(member, "acme", {"dev"}, "rival"))

    assert [one.grant_id for one in at_home] == ["0", "1"]
    assert [one.grant_id for one in as_guest] == ["2"]


def test_a_role_that_was_deleted_gives_nothing():
    grant = Grant(
        grant_id="g",
        subject=Subject(SubjectKind.TEAM, "dev"),
        role="own",
        scope=Scope(ScopeKind.ORGANIZATION),
        created_at=NOW,
        created_by="x",
    )
    policy = AccessPolicy("acme", 1, {"own": frozenset({"runs:read"})}, (grant,))

    assert policy.right(grant).has("runs:read")
    assert not replace(policy, roles={}).right(grant).permissions
