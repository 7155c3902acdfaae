"""Signing in with real directories, nested groups, who has left, and attempts to get in otherwise."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cadence.composition.access.directories import Directories, directories
from cadence.domain.shared.errors import QuotaExceeded, Transient, Unauthenticated
from tests.integration.api.calling import Api
from tests.integration.api.people.directory_servers import (
    ADMIN_PASSWORD,
    PASSWORD,
    RealDirectory,
    certificate,
    needs_samba,
    needs_slapd,
)
from tests.permissions import within_the_role_of


class Door:
    """Calls the Lambda `directories` within its role."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.its: Directories = directories()

    def sign_in(self, user: str, password: str = PASSWORD, source: str = "192.0.2.1") -> str:
        with within() as patch, within_the_role_of("directories", patch):
            return self.its.sign_in.sign_in("default", "corp", user, password, source).token

    def sync(self) -> int:
        with within() as patch, within_the_role_of("directories", patch):
            return self.its.sync.sync_all()

    def connect(self, body: dict[str, Any]) -> None:
        answer = self.api("PUT", "/v1/directories/corp", body)
        assert answer.status == 200, answer.text
        assert ADMIN_PASSWORD not in answer.text

    def members(self) -> dict[str, list[str]]:
        return {one["name"]: one["teams"] for one in self.api("GET", "/v1/members").json["items"]}


@contextmanager
def within() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture
def door(api: Api) -> Door:
    return Door(api)


def test_people_sign_in_with_the_teams_of_nested_groups(api: Api, door: Door, directory: RealDirectory) -> None:
    api("PUT", "/v1/teams/dev", {"group": directory.group("engineers").upper().replace(",", " , ")})
    api("PUT", "/v1/teams/compilers", {"group": directory.group("compilers"), "group_source": "directory:corp"})
    # Group spoofing: other sources, names that only look the same, and what is no name.
    api("PUT", "/v1/teams/scim", {"group": directory.group("engineers"), "group_source": "scim"})
    api("PUT", "/v1/teams/other", {"group": directory.group("engineers"), "group_source": "directory:other"})
    api("PUT", "/v1/teams/short", {"group": "engineers"})
    api("PUT", "/v1/teams/comma", {"group": directory.group("engineers").replace(",", "\\,", 1)})
    api("PUT", "/v1/teams/star", {"group": directory.group("*")})
    api("PUT", "/v1/teams/syntax", {"group": "cn=x)(objectClass=*"})
    api("POST", "/v1/grants", {"subject": "team:dev", "role": "viewer", "scope": "organization"})
    door.connect(directory.body())

    token = door.sign_in("ada")
    door.sign_in("eve")
    assert door.sign_in("ADA") != token

    assert door.members() == {"Ada Lovelace": ["compilers", "dev"], "Eve": []}
    assert api("GET", "/v1/runs", token=token).status == 200
    assert door.sync() == 0
    assert door.members() == {"Ada Lovelace": ["compilers", "dev"], "Eve": []}
    [listed] = api("GET", "/v1/directories").json["items"]
    assert (listed["problem"], listed["synced_at"] is not None) == ("", True)
    assert api("GET", "/v1/sign-in/default", token=None).json["directories"] == ["corp"]
    kinds = [
        (one["kind"], one["outcome"]) for one in api("GET", "/v1/audit").json["items"] if "sign_in" in one["action"]
    ]
    assert kinds == [("sign-in", "accepted")] * 3


def test_nothing_but_name_and_password_opens_the_door(api: Api, door: Door, directory: RealDirectory) -> None:
    """LDAP injection, and what servers take for a guest."""
    api("PUT", "/v1/teams/dev", {"group": directory.group("engineers")})
    door.connect(directory.body())
    names = (
        "*", "a*", "ad?", "ada)(uid=*", "*)(uid=ada", "ada)(|(objectClass=*", "ada))(|(uid=*", "ada\\2a", "\\61da", "ada\x00",
        "ada\n", "", " ", directory.user("ada"), directory.admin_dn, "a" * 257, "ada)(userPassword=*", "(&)", "é\ud800",
    )  # fmt: skip

    for name in names:
        with pytest.raises(Unauthenticated):
            door.sign_in(name)
    for password in ("", " ", "wrong", PASSWORD.lower(), "*", "\x00", PASSWORD + "\x00", "x" * 1_024):
        with pytest.raises(Unauthenticated):
            door.sign_in("ada", password)
    assert door.members() == {}
    refusals = [one for one in api("GET", "/v1/audit").json["items"] if one["action"] == "directory_sign_in"]
    assert {(one["kind"], one["source"]) for one in refusals} == {("refusal", "192.0.2.1")}


def test_who_has_left_is_out_with_the_next_look(api: Api, door: Door, directory: RealDirectory) -> None:
    """The only test that changes the directory for good, and only what is about bob."""
    api("PUT", "/v1/teams/dev", {"group": directory.group("engineers")})
    api("POST", "/v1/grants", {"subject": "team:dev", "role": "admin", "scope": "organization"})
    door.connect(directory.body())
    token, other = door.sign_in("bob"), door.sign_in("ada")
    made = api("POST", "/v1/tokens", {"name": "laptop", "permissions": ["*"]}, token=token).json["token"]
    assert door.members() == {"Bob": ["dev"], "Ada Lovelace": ["dev"]}

    directory.leave("bob", "engineers")
    assert door.sync() == 0
    assert door.members() == {"Bob": [], "Ada Lovelace": ["dev"]}
    assert api("GET", "/v1/members", token=made).status == 403

    directory.remove("bob")
    assert door.sync() == 0
    assert door.members() == {"Ada Lovelace": ["dev"]}
    assert [api("GET", "/v1/members", token=one).status for one in (token, made, other)] == [401, 401, 200]
    with pytest.raises(Unauthenticated):
        door.sign_in("bob")
    removals = [one for one in api("GET", "/v1/audit").json["items"] if one["action"] == "remove_member"]
    assert [(one["actor"], one["kind"]) for one in removals] == [("directory:corp", "change")]


@needs_samba
@pytest.mark.parametrize(
    ("attribute", "value", "usual"),
    # Accounts expire at a number of 100 ns since 1601.
    [("userAccountControl", "514", "512"), ("accountExpires", "132000000000000000", "0")],
    ids=["disabled", "expired"],
)
def test_an_account_of_a_domain_that_is_disabled_or_has_expired_is_out(
    attribute: str, value: str, usual: str, api: Api, door: Door, domain: RealDirectory
) -> None:
    door.connect(domain.body())
    token = door.sign_in("eve")
    with domain.changed("eve", attribute, value, usual):
        with pytest.raises(Unauthenticated):
            door.sign_in("eve")
        assert api("GET", "/v1/self", token=token).status == 200
        assert door.sync() == 0
        assert api("GET", "/v1/self", token=token).status == 401
        assert door.members() == {}
    again = door.sign_in("eve")
    assert api("GET", "/v1/self", token=again).status == 200
    assert api("GET", "/v1/self", token=token).status == 401


@needs_slapd
def test_connections_are_encrypted_and_checked(api: Api, door: Door, openldap: RealDirectory, tmp_path: Any) -> None:
    start_tls = openldap.body(url=f"ldap://localhost:{openldap.ldap_port}")
    door.connect(start_tls)
    door.sign_in("ada")
    wrong: dict[str, dict[str, Any]] = {
        "another authority": {"ca": certificate(tmp_path)},
        "public authorities": {"ca": None},
        "another name": {"url": f"ldaps://127.0.0.1:{openldap.ldaps_port}"},
        "no TLS there": {"url": f"ldaps://localhost:{openldap.ldap_port}"},
        "no server there": {"url": "ldaps://localhost:1"},
        "no such host": {"url": "ldaps://nowhere.invalid"},
        "another password": {"bind_password": "wrong"},
        "no such base": {"user_base": "ou=nowhere,dc=example,dc=org"},
    }
    for what, changes in wrong.items():
        for body in (openldap.body(**changes), {**start_tls, **changes}):
            door.connect(body)
            with pytest.raises(Transient):
                door.sign_in("ada", source=what)
            # Nobody is removed because a directory cannot be asked.
            assert door.sync() == 1, what
            assert door.members() == {"Ada Lovelace": []}
            assert api("GET", "/v1/directories").json["items"][0]["problem"]


@needs_slapd
def test_a_directory_without_a_public_address_has_to_be_named(
    api: Api, openldap: RealDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CADENCE_DIRECTORY_HOSTS", "elsewhere.example")
    door = Door(api)
    door.connect(openldap.body())
    with pytest.raises(Transient, match="directory_hosts"):
        door.sign_in("ada")
    monkeypatch.setenv("CADENCE_DIRECTORY_HOSTS", f"localhost:{openldap.ldaps_port}")
    assert Door(api).sign_in("ada")


@needs_slapd
def test_groups_of_names_without_entries(api: Api, door: Door, openldap: RealDirectory) -> None:
    """Members that are named by their uid (`posixGroup`), and groups that contain each other."""
    api("PUT", "/v1/teams/both", {"group": openldap.group("compilers")})
    door.connect(openldap.body(user_filter="(&(objectClass=inetOrgPerson)(!(uid=eve)))"))

    door.sign_in("ada")

    assert door.members() == {"Ada Lovelace": ["both"]}
    with pytest.raises(Unauthenticated):
        door.sign_in("eve")


@needs_slapd
def test_guessing_is_ended_and_a_company_is_not(api: Api, door: Door, openldap: RealDirectory) -> None:
    import time_machine

    door.connect(openldap.body())
    with time_machine.travel("2026-06-01T12:00:01+00:00", tick=False) as clock:
        for _ in range(12):
            door.sign_in("eve")
        for _ in range(10):
            with pytest.raises(Unauthenticated):
                door.sign_in("ada", "guess")
        with pytest.raises(QuotaExceeded):
            door.sign_in("ada")
        # Colleagues behind the same address, and the person itself elsewhere.
        assert door.sign_in("eve")
        assert door.sign_in("ada", source="198.51.100.7")
        clock.shift(15 * 60)
        assert door.sign_in("ada")


def test_an_identity_of_a_directory_is_not_given_by_anyone_else(api: Api, door: Door) -> None:
    """Only administrators name directories, and the password of the account is never shown."""
    body = {
        "kind": "ldap", "url": "ldaps://ldap.example", "bind_dn": "cn=cadence", "bind_password": "the secret",
        "user_base": "ou=people", "group_base": "ou=groups",
    }  # fmt: skip
    narrow = api.token_for(["members:read", "members:write"])
    assert api("PUT", "/v1/directories/corp", body, token=narrow).status == 403
    assert api("PUT", "/v1/directories/corp", body).status == 200
    for url in (
        "http://ldap.example",
        "ldap://",
        "ldaps://ldap.example/dc=x",
        "ldaps://a@b",
        "ldaps://h:99999999",
        "ldapi://x",
    ):
        assert api("PUT", "/v1/directories/corp", {**body, "url": url}).status == 422
    assert "the secret" not in api("GET", "/v1/directories").text
    assert api("DELETE", "/v1/directories/corp").status == 204
    assert api("DELETE", "/v1/directories/corp").status == 404
