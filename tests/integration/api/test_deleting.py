"""What is deleted or rotated is refused from then on, and can be created again."""

import base64
import dataclasses

import pytest

from cadence.adapters.aws.clients import client
from cadence.domain.shared.errors import Conflict
from tests.integration.api.calling import HELLO, Answer, Api
from tests.integration.api.repositories.test_webhooks import SECRET, Hooks, hooks, put  # noqa: F401 (a fixture)
from tests.integration.api.test_cli import cadence, server  # noqa: F401 (fixtures)
from tests.integration.api.test_schedules import NIGHTLY, kept

PIPELINES = "/v1/projects/default/pipelines"
PROGRAMS = "/v1/projects/default/programs"


def assert_problem(answer: Answer, status: int) -> None:
    assert (answer.status, answer.json["status"]) == (status, status), answer.text


def test_a_deleted_pipeline_is_gone_with_its_versions_and_its_number_is_not_used_again(api: Api) -> None:
    put(api, HELLO)
    put(api, HELLO + "# second\n")
    assert api("DELETE", f"{PIPELINES}/hello").status == 204
    for method, path in (("GET", ""), ("GET", "?version=1"), ("DELETE", "")):
        address, _, query = path.partition("?")
        assert_problem(api(method, f"{PIPELINES}/hello{address}", query=query), 404)
    assert api("GET", PIPELINES).json["items"] == []
    assert_problem(api("POST", f"{PIPELINES}/hello/runs", {}), 404)
    again = api("PUT", f"{PIPELINES}/hello", {"document": HELLO})
    assert again.status == 201, again.text
    assert again.json["version"] == 3


def test_of_two_that_create_a_pipeline_again_one_does(api: Api) -> None:
    put(api, HELLO)
    store = api.services.pipelines
    first = store.newest("default", "default", "hello")
    store.remove(first)
    second = dataclasses.replace(first, version=2)
    store.add_first(second)
    for late in (first, second, dataclasses.replace(first, version=3)):
        with pytest.raises(Conflict):
            store.add_first(late)
    with pytest.raises(Conflict):
        store.remove(first)
    store.remove(second)
    with pytest.raises(Conflict):
        store.add_first(second)  # its number was used
    assert store.last_removed("default", "default", "hello") == 2


def test_a_deleted_pipelines_schedules_fire_no_more(api: Api) -> None:
    put(api, NIGHTLY.strip())
    assert kept()
    assert api("DELETE", f"{PIPELINES}/nightly").status == 204
    assert kept() == []


def test_a_program_is_deleted_by_its_name(api: Api) -> None:
    content = base64.b64encode(b"use work/record::record\n\ntreatment main()\n{\n}\n").decode()
    stored = api("PUT", f"{PROGRAMS}/build", {"content": content, "filename": "build.mel"})
    assert stored.status == 200, stored.text
    assert api("DELETE", f"{PROGRAMS}/build").status == 204
    assert_problem(api("GET", f"{PROGRAMS}/build"), 404)
    assert_problem(api("DELETE", f"{PROGRAMS}/build"), 404)


def test_a_rotated_webhook_secret_replaces_the_former_one(hooks: Hooks) -> None:  # noqa: F811
    api = hooks.api
    (host,) = api("GET", "/v1/githosts").json["items"]
    assert hooks.send(delivery="before").status == 202
    rotated = api("PUT", f"/v1/githosts/{host['id']}/webhook-secret", {})
    assert rotated.status == 200
    assert hooks.send(delivery="former").status == 401
    assert hooks.send(delivery="new", secret=rotated.json["webhook_secret"]).status == 202
    given = api("PUT", f"/v1/githosts/{host['id']}/webhook-secret", {"webhook_secret": SECRET})
    assert given.json["webhook_secret"] is None
    assert hooks.send(delivery="given").status == 202


def test_a_deleted_git_hosts_webhooks_are_refused(hooks: Hooks) -> None:  # noqa: F811
    api = hooks.api
    (host,) = api("GET", "/v1/githosts").json["items"]
    assert api("DELETE", f"/v1/githosts/{host['id']}").status == 204
    assert api("GET", "/v1/githosts").json["items"] == []
    assert hooks.send(delivery="after").status in {401, 404}
    assert_problem(api("DELETE", f"/v1/githosts/{host['id']}"), 404)


def test_a_project_has_one_git_host_of_a_name(api: Api) -> None:
    body = {"kind": "github", "project": "default", "name": "hub"}
    assert api("POST", "/v1/githosts", body).status == 201

    refused = api("POST", "/v1/githosts", {**body, "kind": "gitea"})

    assert_problem(refused, 409)
    assert "Project default has a git host hub already" in refused.text
    assert "cadence githost set hub --new-secret" in refused.text
    assert [host["kind"] for host in api("GET", "/v1/githosts").json["items"]] == ["github"]
    assert api("POST", "/v1/projects", {"name": "other"}).status == 201
    assert api("POST", "/v1/githosts", {**body, "project": "other"}).status == 201


def test_an_access_token_needs_an_address_and_can_be_removed(hooks: Hooks) -> None:  # noqa: F811
    api = hooks.api
    hooks.add("gitea", "tea")
    known = {host["name"]: host["id"] for host in api("GET", "/v1/githosts").json["items"]}
    assert_problem(api("PUT", f"/v1/githosts/{known['tea']}/access-token", {"access_token": "t"}), 422)
    for token in ("ghp_one", "ghp_two", None):
        changed = api("PUT", f"/v1/githosts/{known['hub']}/access-token", {"access_token": token})
        assert changed.status == 200
        assert "ghp" not in changed.text
        item = client("dynamodb").get_item(
            TableName="access", Key={"pk": {"S": f"GITHOST#{known['hub']}"}, "sk": {"S": "GITHOST"}}
        )["Item"]
        assert ("encrypted_token" in item) == (token is not None)


def test_another_projects_token_neither_rotates_nor_deletes(hooks: Hooks) -> None:  # noqa: F811
    api = hooks.api
    assert api("POST", "/v1/projects", {"name": "other"}).status == 201
    token = api("POST", "/v1/tokens", {"name": "t", "project": "other", "permissions": ["githosts:write"]}).json[
        "token"
    ]
    (host,) = api("GET", "/v1/githosts").json["items"]
    assert_problem(api("PUT", f"/v1/githosts/{host['id']}/webhook-secret", {}, token=token), 404)
    assert_problem(api("PUT", f"/v1/githosts/{host['id']}/access-token", {"access_token": "x"}, token=token), 404)
    assert_problem(api("DELETE", f"/v1/githosts/{host['id']}", token=token), 404)


def test_the_command_line_deletes_and_rotates(api: Api, cadence, tmp_path) -> None:  # noqa: F811
    (tmp_path / "hello.yaml").write_text(HELLO)
    assert cadence("pipeline", "create", "hello.yaml").exit_code == 0
    assert "Deleted pipeline hello" in cadence("pipeline", "delete", "hello").stdout
    assert cadence("githost", "create", "hub").exit_code == 0
    changed = cadence("githost", "set", "hub", "--new-secret")
    assert changed.exit_code == 0, changed.stderr
    assert "cannot be printed again" in changed.stdout
    assert cadence("githost", "set", "hub").exit_code == 2
    assert cadence("githost", "set", "other", "--no-access-token").exit_code == 1
    (host,) = api("GET", "/v1/githosts").json["items"]
    assert cadence("githost", "delete", host["id"]).exit_code == 0
    assert api("GET", "/v1/githosts").json["items"] == []


def test_a_secret_is_bound_by_the_api_and_the_command_line(api: Api, cadence) -> None:  # noqa: F811
    secret = "/v1/projects/default/secrets/key"
    assert_problem(api("PUT", secret, {"value": "v", "environment": "production"}), 404)
    assert api("PUT", "/v1/projects/default/environments/production", {}).status in {200, 201}
    bound = api("PUT", secret, {"value": "v", "environment": "production"})
    assert (bound.status, bound.json["environment"]) == (200, "production")
    assert api("PUT", secret, {"value": "w"}).json["environment"] == "production"
    assert api("PUT", secret, {"value": "w", "environment": None}).json["environment"] is None
    assert cadence("secret", "set", "key", "--environment", "production", stdin="x\n").exit_code == 0
    assert "production" in cadence("secret", "list").stdout
    assert cadence("secret", "set", "key", "--environment", "production", "--any-environment").exit_code == 2
    document = HELLO.replace("treatments:", "treatments:\n  deploy: {run: x, secrets: {KEY: key}}", 1)
    found = api("POST", "/v1/projects/default/pipelines:validate", {"document": document}).json["findings"]
    assert [finding["code"] for finding in found] == ["secret-of-environment"]


def test_a_secret_may_be_kept_elsewhere(api: Api, cadence) -> None:  # noqa: F811
    secret = "/v1/projects/default/secrets/db"
    source = {"kind": "aws-secrets-manager", "name": "cadence/default/default/db", "field": "password"}
    stored = api("PUT", secret, {"source": source})
    assert (stored.status, stored.json["source"]) == (200, {**source, "vault": None}), stored.text
    assert api("GET", "/v1/projects/default/secrets").json["items"] == [stored.json]
    for body in ({}, {"value": "v", "source": source}, {"source": {**source, "name": "cadence/other/default/db"}}):
        assert_problem(api("PUT", secret, body), 422)
    vault = ("--vault", "https://vault.example.com:8200", "--path", "apps/web", "--role", "web", "--field", "password")
    done = cadence("secret", "set", "db", *vault)
    assert (
        done.exit_code,
        "read from vault: https://vault.example.com:8200 secret/apps/web#password" in done.stdout,
    ) == (
        0,
        True,
    ), done.stderr
    (listed,) = api("GET", "/v1/projects/default/secrets").json["items"]
    assert listed["source"]["vault"] == {
        "address": "https://vault.example.com:8200",
        "login": "jwt",
        "role": "web",
        "secret": None,
        "login_mount": "jwt",
        "mount": "secret",
        "namespace": None,
    }
    approle = (*vault, "--secret-id", "vault-id", "--namespace", "ns1", "--environment", "production")
    assert api("PUT", "/v1/projects/default/environments/production", {}).status in {200, 201}
    assert cadence("secret", "set", "db", *approle).exit_code == 0
    assert cadence("secret", "set", "p", "--parameter-store", "/cadence/default/default/p").exit_code == 0
    shown = cadence("secret", "list", "--json").stdout
    assert '"approle"' in shown
    assert "aws-parameter-store" in cadence("secret", "list").stdout
    for wrong in (
        ("--parameter-store", "/cadence/default/default/p", "--secrets-manager", "x"),
        ("--field", "password"),
        ("--path", "apps/web"),
        vault[:4],
        vault[:-2],
        (*vault[:2], *vault[4:]),
    ):
        assert cadence("secret", "set", "db", *wrong, stdin="x\n").exit_code == 2
    # A value again: it is kept here from then on.
    assert api("PUT", secret, {"value": "v"}).json["source"] is None


def test_a_token_that_starts_stored_pipelines_starts_no_document(api: Api) -> None:
    put(api, HELLO)
    token = api.token_for(["runs:start-stored"])
    started = api("POST", f"{PIPELINES}/hello/runs", {"parameters": {"who": "you"}}, token=token)
    assert started.status == 201, started.text
    assert_problem(api("POST", "/v1/projects/default/runs", {"document": HELLO}, token=token), 403)
    assert_problem(api("POST", f"/v1/runs/{started.json['run_id']}/rerun", {}, token=token), 403)
