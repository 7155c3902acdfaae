"""The commands about people, against the api Lambda itself."""

import json

from tests.integration.api.test_cli import cadence, server

__all__ = ["cadence", "server"]  # fixtures


def test_people_by_the_command_line(api, cadence):
    assert cadence("team", "create", "dev", "--description", "developers").exit_code == 0
    code = cadence("member", "invite", "ada@example.org", "--team", "dev").stdout.strip()
    token = cadence("member", "accept", "Ada", stdin=code + "\n").stdout.strip()
    assert token.startswith("cad_")
    (member,) = json.loads(cadence("member", "list", "--json").stdout)
    assert member["teams"] == ["dev"]
    subject = f"member:{member['member_id']}"

    refused = cadence("access", "explain", subject, "runs:start", "project:default")
    assert (refused.exit_code, refused.stdout.split(":")[0]) == (1, "refused")
    assert cadence("access", "grant", "team:dev", "developer", "project:default").exit_code == 0
    allowed = cadence("access", "explain", subject, "runs:start", "project:default")
    assert allowed.exit_code == 0
    assert "granted to team:dev at project:default" in allowed.stdout
    (grant,) = json.loads(cadence("access", "list", "--scope", "project:default", "--json").stdout)
    assert cadence("access", "revoke", grant["grant_id"]).exit_code == 0
    assert cadence("access", "list").stdout == ""

    assert cadence("member", "show", member["member_id"]).stdout == "Ada <ada@example.org>, teams: dev\n"
    assert cadence("team", "leave", "dev", member["member_id"]).exit_code == 0
    assert cadence("team", "join", "dev", member["member_id"]).exit_code == 0
    assert member["member_id"] in cadence("team", "show", "dev").stdout
    assert cadence("member", "delete", member["member_id"]).exit_code == 0
    assert cadence("team", "list").stdout == "dev\t-\tdevelopers\n"
    assert cadence("team", "delete", "dev").exit_code == 0


def test_accounts_roles_and_organizations_by_the_command_line(api, cadence, monkeypatch):
    assert cadence("service-account", "create", "ci").exit_code == 0
    token = cadence("service-account", "token", "ci", "--expires-in", "7d").stdout.strip()
    assert cadence("role", "create", "starter", "--permission", "runs:start").exit_code == 0
    assert cadence("role", "show", "starter").stdout == "runs:start\n"
    assert cadence("role", "delete", "starter").exit_code == 0
    assert cadence("role", "delete", "viewer").exit_code == 1

    created = json.loads(cadence("organization", "create", "acme", "--json").stdout)
    assert cadence("organization", "create", "acme").exit_code == 1
    assert "acme\tAcme Ltd" not in cadence("organization", "list").stdout
    renamed = cadence("organization", "rename", "acme", "Acme Ltd")
    assert renamed.stdout == "Organization acme is shown as Acme Ltd.\n"
    assert [line.split("\t")[:2] for line in cadence("organization", "list").stdout.splitlines()] == [
        ["acme", "Acme Ltd"],
        ["default", ""],
    ]
    assert cadence("organization", "rename", "nothing", "N").exit_code == 1
    code = cadence("access", "share", "acme/dev", "viewer", "project:default").stdout.strip()
    monkeypatch.setenv("CADENCE_TOKEN", created["token"])
    assert cadence("team", "create", "dev").exit_code == 0
    accepted = cadence("team", "accept", stdin=code + "\n")
    assert accepted.stdout == "acme/dev has the role viewer at project:default of default.\n"
    assert cadence("organization", "create", "rival").exit_code == 3
    assert cadence("organization", "rename", "acme", "Mine").exit_code == 3
    assert cadence("organization", "list").stdout.startswith("acme\tAcme Ltd")
    monkeypatch.setenv("CADENCE_TOKEN", token)
    shown = cadence("organization", "self")
    assert shown.stdout == "ci (service-account:ci) in default\n"
    monkeypatch.setenv("CADENCE_ORGANIZATION", "acme")
    assert cadence("organization", "self").exit_code == 1
