"""The commands about people, against the api Lambda itself."""

import json

import pytest
from rich.console import Console

from cadence.adapters.dynamodb.access.people_items import PersonItem
from cadence.cli.access import invitations
from tests.integration.api.calling import HELLO
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


def test_an_invited_person_needs_an_address_and_the_code_only(api, cadence, server, monkeypatch):
    code = cadence("member", "invite", "bea@example.org").stdout.strip()
    token = api.token
    monkeypatch.delenv("CADENCE_TOKEN")
    accepted = cadence("member", "accept", "Bea", stdin=code + "\n")
    assert accepted.exit_code == 0 and accepted.stdout.startswith("cad_")
    assert cadence("member", "accept", "Bea", stdin=code + "\n").exit_code == 1

    monkeypatch.setenv("CADENCE_TOKEN", token)
    code = cadence("member", "invite", "bo@example.org").stdout.strip()
    monkeypatch.delenv("CADENCE_TOKEN")
    monkeypatch.delenv("CADENCE_URL")
    nowhere = cadence("member", "accept", "Bo", stdin=code + "\n")
    assert nowhere.exit_code == 3 and "--url https://cadence.example.com" in " ".join(nowhere.stderr.split())
    wrong = cadence("member", "accept", "Bo", "--url", "cadence.example.com", stdin=code + "\n")
    assert "--url is 'cadence.example.com', which is no address" in " ".join(wrong.stderr.split())
    assert cadence("member", "accept", "Bo", "--url", server, stdin=code + "\n").stdout.startswith("cad_")


def test_an_invitation_says_on_a_terminal_what_the_person_enters(cadence, server, monkeypatch):
    monkeypatch.setattr(invitations, "out", Console(force_terminal=True, no_color=True, width=200))
    invited = cadence("member", "invite", "bea@example.org").stdout
    assert f'cadence member accept "NAME" --url {server}\n' in invited
    code = next(line.strip() for line in invited.splitlines() if line.strip().startswith("cadi_"))
    accepted = cadence("member", "accept", "Bea", stdin=code + "\n").stdout
    token = accepted.splitlines()[0]
    assert f"export CADENCE_URL={server} CADENCE_TOKEN={token}" in accepted


def test_a_team_that_is_missing_comes_with_the_command_that_creates_it(cadence):
    assert cadence("team", "create", "ops").exit_code == 0
    for refused in (
        cadence("member", "invite", "bea@example.org", "--team", "dev"),
        cadence("access", "grant", "team:dev", "developer", "project:default"),
    ):
        assert refused.exit_code == 1
        assert "There is no team 'dev' here. `cadence team create dev` creates it." in " ".join(refused.stderr.split())


def test_a_run_shows_the_name_of_who_started_it(api, cadence, tmp_path, monkeypatch):
    owner = api.token
    code = cadence("member", "invite", "bea@example.org", "--role", "developer", "--scope", "project:default").stdout
    bea = json.loads(cadence("member", "accept", "Bea B.", "--json", stdin=code).stdout)
    member_id, token = bea["member"]["member_id"], bea["token"]
    (tmp_path / "hello.yaml").write_text(HELLO)
    monkeypatch.setenv("CADENCE_TOKEN", token)
    run_id = cadence("run", "hello.yaml").stdout.strip()

    shown = json.loads(cadence("show", run_id, "--json").stdout)
    assert (shown["created_by"], shown["created_by_name"]) == (f"member:{member_id}", "Bea B.")
    assert "by Bea B." in cadence("show", run_id).stdout
    monkeypatch.setenv("CADENCE_TOKEN", owner)
    assert cadence("member", "delete", member_id).exit_code == 0
    assert "by Bea B." in cadence("show", run_id).stdout

    monkeypatch.setattr(PersonItem, "batch_get", lambda keys: pytest.fail("names are read for a member only"))
    run_id = cadence("run", "hello.yaml").stdout.strip()
    assert json.loads(cadence("show", run_id, "--json").stdout)["created_by_name"] == ""


def test_grants_take_addresses_and_refuse_other_texts_in_words(cadence):
    member_id = json.loads(cadence("member", "create", "Bea", "--email", "Bea@example.org", "--json").stdout)[
        "member_id"
    ]
    granted = cadence("access", "grant", "bea@example.org", "viewer", "pipeline:default/later", "--json")
    assert json.loads(granted.stdout)["subject"] == f"member:{member_id}"
    assert "There is no stored pipeline later in project default yet" in " ".join(granted.stderr.split())
    assert "warning" not in cadence("access", "grant", "bea@example.org", "viewer", "project:default").stderr
    asked = ("runs:read", "pipeline:default/later")
    assert cadence("access", "explain", "bea@example.org", *asked).exit_code == 0
    assert len(json.loads(cadence("access", "list", "--subject", "bea@example.org", "--json").stdout)) == 2

    assert "no member with the address" in cadence("access", "explain", "bo@example.org", *asked).stderr
    for arguments, sentence in (
        (("bea", *asked), "Not a subject. Write member:ID,"),
        (("team:dev", "runs:read", "pipelin:default/pushed"), "Not a scope. Write organization, project:PROJECT,"),
    ):
        refused = cadence("access", "explain", *arguments)
        assert refused.exit_code == 2 and sentence in " ".join(refused.stderr.split())
        assert "pattern" not in refused.stderr
