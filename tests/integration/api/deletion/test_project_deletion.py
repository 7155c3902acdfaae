"""Deleting a project: one item and one object of each kind are there before, nothing of it afterwards.

What is filled in comes from the list of kinds, which tests/unit/deletion/test_kinds.py compares with storage.md.
"""

import base64
import hashlib
import importlib
import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from cadence.adapters.aws.clients import client
from cadence.adapters.dynamodb.deletion import stored_keys
from cadence.adapters.dynamodb.deletion.kinds import KINDS, Found, ItemKind
from cadence.adapters.dynamodb.shared.plain_items import wired
from cadence.domain.repositories.repository import Repository
from cadence.domain.runs.states import RunState
from cadence.domain.shared.ids import runner_id
from cadence.domain.triggers.githost import GitHostKind
from tests.integration.api.calling import HELLO, Api
from tests.integration.api.conftest import REGION, NoLambdas
from tests.integration.api.test_cli import cadence, server  # noqa: F401 (fixtures)
from tests.integration.api.test_schedules import NIGHTLY, kept

TABLES = ("access", "alerts", "logs", "pipelines", "repositories", "runners", "runs", "telemetry")
# What the API and the stores have written already, as they do it.
WRITTEN = {
    ("access", "ORG#{org}", "PROJECT#{project}"),
    ("access", "ORG#{org}", "TOKEN#{id}"),
    ("access", "TOKEN#{id}", "TOKEN"),
    ("access", "ORG#{org}", "INVITATION#{id}"),
    ("access", "ORG#{org}", "GITHOST#{id}"),
    ("access", "GITHOST#{id}", "GITHOST"),
    ("access", "PROJECT#{org}#{project}", "SECRET#{name}"),
    ("access", "PROJECT#{org}#{project}", "ENVIRONMENT#{name}"),
    ("access", "PROJECT#{org}#{project}", "PROGRAM#{name}"),
    ("access", "DELETION#{org}#{project}", "{kind}#{name}"),
    ("repositories", "REPOSITORY#{id}", "REPOSITORY"),
    ("repositories", "ORG#{org}", "REPOSITORY#{project}#{address}"),
    ("pipelines", "PROJECT#{org}#{project}", "PIPELINE#{name}"),
    ("pipelines", "PIPELINE#{org}#{project}#{name}", "VERSION#{n:08}"),
    ("runs", "RUN#{run}", "RUN"),
    ("alerts", "ALERTS#{org}", "RULE#{project}#{name}"),
    ("alerts", "ALERTS#{org}", "CHANNEL#{project}#{name}"),
    ("alerts", "ALERTS#{org}", "SILENCE#{project}#{id}"),
}
STAYS = {Found.ORGANIZATION, Found.EXPIRES, Found.RECORD}
PROGRAM = base64.b64encode(b"use work/record::record\n\ntreatment main()\n{\n}\n").decode()
Snapshot = dict[tuple[str, str, str], Any]


@dataclass
class Deletion:
    """The API, the Lambda that deletes, and what tests do with them."""

    api: Api
    run_lambda: Callable[[dict[str, Any]], Any]

    def request(self, project: str) -> str:
        answer = self.api("DELETE", f"/v1/projects/{project}", query={"confirm": project})
        assert answer.status == 202, answer.text
        return str(answer.json["id"])

    def show(self, deletion: str) -> Any:
        return self.api("GET", f"/v1/project-deletions/{deletion}").json

    def count(self, project: str) -> dict[str, int]:
        answer = self.api("DELETE", f"/v1/projects/{project}", query={"dry_run": "true"})
        assert answer.status == 200, answer.text
        assert answer.json["complete"]
        counts: dict[str, int] = answer.json["counts"]
        return counts


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 900_000


@pytest.fixture
def deletion(api: Api, lambdas: NoLambdas) -> Deletion:
    client("s3").create_bucket(Bucket="elsewhere", CreateBucketConfiguration={"LocationConstraint": REGION})
    client("s3").put_bucket_versioning(Bucket="elsewhere", VersioningConfiguration={"Status": "Enabled"})
    sys.modules.pop("delete_projects.handler", None)
    handler = importlib.import_module("delete_projects.handler").handler
    lambdas.answers["delete-projects"] = lambda event: handler(event, Context())
    return Deletion(api, lambdas.answers["delete-projects"])


@dataclass
class Filled:
    """A project with one thing of each kind, and texts by which these are recognised."""

    project: str
    run_id: str
    marks: tuple[str, ...]


def fill(api: Api, project: str) -> Filled:
    """Creates a project with one item and one object of each kind."""

    def call(method: str, path: str, body: Any) -> Any:
        answer = api(method, path, body)
        assert answer.status < 300, (path, answer.text)
        return answer.json

    services = api.services
    call("POST", "/v1/projects", {"name": project})
    own = f"/v1/projects/{project}"
    call("PUT", f"{own}/pipelines/hello", {"document": HELLO})
    own_document = NIGHTLY.strip().replace('run: "true"', f'run: "echo {project}"')
    call("PUT", f"{own}/pipelines/nightly", {"document": own_document})
    call("PUT", f"{own}/secrets/key", {"value": "v"})
    call("PUT", f"{own}/environments/production", {"secrets": {"KEY": "key"}})
    call("PUT", f"{own}/programs/build", {"content": PROGRAM, "filename": "build.mel"})
    host = call("POST", "/v1/githosts", {"kind": "github", "project": project, "name": "hub"})["id"]
    token = call("POST", "/v1/tokens", {"name": "t", "permissions": ["runs:read"], "project": project})["token_id"]
    scope = f"project:{project}"
    call("POST", "/v1/grants", {"subject": "team:dev", "role": "viewer", "scope": scope})
    call("POST", "/v1/invitations", {"email": "ada@example.org", "role": "viewer", "scope": scope})
    call("PUT", f"/v1/alerts/channels/{project}/ops", {"kind": "sns"})
    rule = {"when": {"run": {}}, "channels": ["ops"]}
    call("PUT", f"/v1/alerts/rules/{project}/broken", {"rule": rule})
    call("POST", "/v1/alerts/silences", {"project": project, "ends_at": "2100-01-01T00:00:00Z"})
    repository = connect(api, project)
    run_id = call("POST", f"{own}/pipelines/nightly/runs", {})["run_id"]
    run = services.runs.get_run(run_id)
    services.run_gates.leave(services.runs.finish_run(run, RunState.SUCCEEDED, None, datetime.now(UTC)))
    client("dynamodb").update_item(
        TableName="runs",
        Key=wired({"pk": f"RUN#{run_id}", "sk": "RUN"}),
        UpdateExpression="SET concurrency_group = :group",
        ExpressionAttributeValues=wired({":group": f"group-{project}"}),
    )
    names = Names(project, run_id, token, host, repository)
    for kind in KINDS:
        if kind.found not in STAYS and (kind.table, kind.pk, kind.sk) not in WRITTEN and kind.sk != "POLICY":
            put(kind, names)
    for bucket, key in objects(project, run_id):
        client("s3").put_object(Bucket=bucket, Key=key, Body=b"content")
    return Filled(project, run_id, (project, run_id, token, host, repository))


def connect(api: Api, project: str) -> str:
    repository = Repository(
        repository_id=f"r{hashlib.sha256(project.encode()).hexdigest()[:25]}",
        kind=GitHostKind.GITEA,
        organization="default",
        project=project,
        name="acme/site",
        url="http://127.0.0.1:9/acme/site",
        clone_url="http://127.0.0.1:9/acme/site.git",
        origin="http://127.0.0.1:9",
        default_branch="main",
        public_url="http://api.example",
        created_at=datetime.now(UTC),
        created_by="test",
    )
    store, keys = api.services.repositories.store, api.services.repositories.connect.keys
    store.add_repository(repository, keys.encrypted(repository.repository_id, "s", "t"))
    return repository.repository_id


@dataclass
class Names:
    """What the placeholders of keys stand for in one project."""

    project: str
    run_id: str
    token: str
    host: str
    repository: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.project.encode()).hexdigest()

    def fill(self, kind: ItemKind, template: str) -> str:
        ids = {"TOKEN": self.token, "DELIVERY": self.host}
        of_repository = kind.table == "repositories"
        position = f"{self.run_id}#treatment-{self.project}#port-{self.project}"
        known = {
            "org": "default",
            "project": self.project,
            "run": self.run_id,
            "runner": runner_id(self.run_id, "greet", 2),
            "id": self.repository if of_repository else ids.get(kind.pk.partition("#")[0], f"id-{self.project}"),
            "githost": self.host,
            "sha256": self.sha256,
            "shard": str(hashlib.sha256(position.encode()).digest()[0] % 8),
            "scope": f"GROUP#default#{self.project}#group-{self.project}",
            "commit": "c0ffee",
            "pipeline": "nightly",
        }
        return re.sub(r"{([^}:]+)[^}]*}", lambda match: known.get(match[1], f"{match[1]}-{self.project}"), template)


def put(kind: ItemKind, names: Names) -> None:
    """Writes an item of a kind, with the attributes by which deleting finds it or what it leads to."""
    attributes: dict[str, Any] = {
        "organization": "default",
        "project": names.project,
        "name": "greet",
        "attempt": 2,
        "sha256": names.sha256,
        "treatment": f"treatment-{names.project}",
        "port": f"port-{names.project}",
        "object_key": f"dead-letters/log-lines/{names.project}",
        "projects": json.dumps([names.project]),
        "event": json.dumps({"project": names.project}),
        "size": 7,
    }
    if kind.prefix == "SEGMENT#":
        attributes["lines"] = 3
    if kind.found is Found.REFERENCE and kind.prefix in {"POOL#", "SECRET#"}:
        return  # of the organization, and made with it
    if kind.found is Found.REFERENCE:
        attributes.pop("project")
    if kind.pk.startswith(("RUN#", "LIMIT#", "DIGEST#")) or kind.table in {"pipelines", "alerts"}:
        attributes.pop("projects")
    key = {"pk": names.fill(kind, kind.pk), "sk": names.fill(kind, kind.sk)}
    client("dynamodb").put_item(TableName=kind.table, Item=wired({**key, **attributes}))


def objects(project: str, run_id: str) -> Iterator[tuple[str, str]]:
    yield "data", f"runs/{run_id}/values/greet/1/greeting/000000000000"
    yield "data", f"runs/{run_id}/logs/000000000000-0123456789ab.jsonl.gz"
    yield "data", f"runs/{run_id}/melodium/state"
    yield "data", f"uploads/{run_id}/part"
    yield "data", f"sources/default/{project}/{'a' * 64}/000000000000"
    yield "data", f"splits/default/{project}/one"
    yield "data", f"caches/default/{project}/entry/000000"
    yield "data", f"documents/library/default/{project}/{'b' * 64}"
    yield "data", f"dead-letters/log-lines/{project}"
    for _ in range(2):  # two versions
        yield "elsewhere", f"runs/{run_id}/values/greet/1/greeting/000000000000"
        yield "elsewhere", f"caches/default/{project}/entry/000000"
        yield "elsewhere", f"splits/default/{project}/one"


def snapshot() -> Snapshot:
    """Returns all items of all tables, and the versions of all objects."""
    found: Snapshot = {}
    for table in TABLES:
        for page in client("dynamodb").get_paginator("scan").paginate(TableName=table):
            for item in page["Items"]:
                found[table, item["pk"]["S"], item["sk"]["S"]] = json.loads(json.dumps(item, default=str))
    for bucket in ("data", "elsewhere"):
        for page in client("s3").get_paginator("list_object_versions").paginate(Bucket=bucket):
            for version in page.get("Versions", []):
                found[bucket, version["Key"], version["VersionId"]] = version["Size"]
    return found


def records(found: Snapshot) -> Snapshot:
    """Returns what may stay of a deleted project."""
    stays = ("AUDIT#", "AUDITED#", "DELETIONS", "REQUEST#")
    return {key: value for key, value in found.items() if key[0] == "access" and key[1].startswith(stays)}


SHARED = {"organization/ghcr": ["other-7f3", "shop-7f3"], "team:dev/npm": ["shop-7f3"]}
"""Secrets of the organization and of a team, with the projects that they are given to."""


POOLS = {"both": ["shop-7f3", "other-7f3"], "own": ["shop-7f3"]}
"""Pools, with the projects that they are given to once these are there."""


def organized(api: Api) -> None:
    """What the organization has besides projects."""
    assert api("PUT", "/v1/teams/dev", {}).status < 300
    for pool in POOLS:
        assert api("PUT", f"/v1/pools/{pool}", {"provider": "host", "projects": ["*"]}).status < 300
    assert api("PUT", "/v1/pools/own/secrets/license", {"value": "v"}).status < 300
    for name, projects in SHARED.items():
        api.services.secrets.put("default", "*", name, "v", api.services.clock(), projects=projects)


def assert_gone(shop: Filled, before: Snapshot) -> None:
    after = snapshot()
    remaining = {key: value for key, value in after.items() if key not in records(after)}
    pools = {
        name: json.loads(remaining["access", "ORG#default", f"POOL#{name}"]["projects"]["S"])
        for name in ("both", "own")
    }
    assert pools == {"both": ["other-7f3"], "own": []}
    shared = {
        name: json.loads(remaining["access", "SHAREDSECRETS#default", f"SECRET#{name}"]["projects"]["S"])
        for name in SHARED
    }
    assert shared == {"organization/ghcr": ["other-7f3"], "team:dev/npm": []}
    changed = {("access", "ORG#default", f"POOL#{name}") for name in pools}
    changed |= {("access", "SHAREDSECRETS#default", f"SECRET#{name}") for name in SHARED}
    changed |= {("access", "ORG#default", "POLICY"), ("runs", "LIMIT#RUNS#default", "HEAD")}  # with a version each
    assert {key: value for key, value in remaining.items() if key not in changed} == {
        key: value for key, value in before.items() if key not in records(before) | dict.fromkeys(changed)
    }
    for key, value in remaining.items():
        text = json.dumps([key, value])
        assert not [mark for mark in shop.marks if mark in text], key


def prepared(api: Api) -> tuple[Snapshot, Filled]:
    organized(api)
    fill(api, "other-7f3")
    before = snapshot()
    shop = fill(api, "shop-7f3")
    for pool, projects in POOLS.items():
        assert api("PUT", f"/v1/pools/{pool}", {"provider": "host", "projects": projects}).status < 300
    return before, shop


def test_nothing_remains_of_a_deleted_project_and_another_is_untouched(deletion: Deletion) -> None:
    api = deletion.api
    before, shop = prepared(api)
    schedules = len(kept())
    counted = deletion.count(shop.project)
    expected = {"runs": 1, "pipelines": 2, "secrets": 1, "programs": 1, "environments": 1, "git hosts": 1}
    expected |= {"tokens": 1, "repositories": 1, "alert rules": 1, "alert channels": 1, "silences": 1, "grants": 1}
    expected |= {"invitations": 1, "exports": 1, "caches": 1, "values": 1, "log segments": 1, "log lines": 3}
    expected |= {
        "approval links": 1,
        "pools' lists of projects": 2,
        "shared secrets' lists of projects": 2,
        "bytes": 15 * 7,
        "objects": 15,
    }
    assert expected.items() <= counted.items()
    assert snapshot().keys() >= before.keys() | {
        ("data", f"documents/library/default/{shop.project}/{'b' * 64}", "null")
    }

    identifier = deletion.request(shop.project)
    deletion.run_lambda({})

    assert_gone(shop, before)
    assert len(kept()) == schedules / 2
    done = deletion.show(identifier)
    assert (done["state"], done["project"]) == ("deleted", shop.project)
    assert done["finished_at"] is not None
    (remains,) = done["remains"]
    assert "http://127.0.0.1:9/acme/site" in remains
    for kind in expected.keys() - {"objects", "bytes"}:
        assert done["removed"][kind] == expected[kind], kind
    # Documents and plans of the project alone are objects, too.
    assert done["removed"]["objects"] == 15 + done["removed"]["documents"]
    (end,) = api("GET", "/v1/audit", query={"outcome": "deleted"}).json["items"]
    assert (end["action"], end["project"]) == ("delete_project", shop.project)
    assert api("GET", "/v1/project-deletions").json["items"] == [done]
    assert api("POST", "/v1/projects", {"name": shop.project}).status == 201
    assert deletion.count(shop.project) == {}


@pytest.mark.parametrize("writes", [1, 12])
def test_a_process_that_dies_again_and_again_loses_nothing(
    deletion: Deletion, writes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, shop = prepared(deletion.api)
    identifier = deletion.request(shop.project)
    left = [0]
    write = stored_keys._write

    def dying(table: str, requests: Any) -> None:
        if left[0] == 0:
            raise ProcessDied
        left[0] -= 1
        write(table, requests)

    monkeypatch.setattr(stored_keys, "_write", dying)
    store = deletion.api.services.deletions.store
    for attempt in range(100):
        left[0] = writes + attempt // 2
        try:
            deletion.run_lambda({})
        except ProcessDied:
            # Its lease ends by itself after a while.
            store.update(replace(store.get("default", identifier), leased_until=None))
        if deletion.show(identifier)["state"] == "deleted":
            break
    assert deletion.show(identifier)["state"] == "deleted"
    assert_gone(shop, before)


class ProcessDied(Exception):
    pass


def test_a_project_under_deletion_can_be_used_no_more(deletion: Deletion) -> None:
    api = deletion.api
    api("POST", "/v1/projects", {"name": "shop-7f3"})
    own = api.token_for(["*"], "shop-7f3")
    identifier = deletion.request("shop-7f3")
    for method, path, body in (
        ("GET", "/v1/projects/shop-7f3/pipelines", None),
        ("POST", "/v1/projects/shop-7f3/runs", {"document": HELLO}),
        ("PUT", "/v1/projects/shop-7f3/secrets/s", {"value": "v"}),
        ("DELETE", "/v1/projects/shop-7f3", None),
    ):
        answer = api(method, path, body)
        assert answer.status == 404
        assert identifier in answer.json["detail"]
    assert api("POST", "/v1/projects", {"name": "shop-7f3"}).status == 409
    assert api.services.access.get_quotas("default").closed_projects == {"shop-7f3"}
    deletion.run_lambda({})
    assert api.services.access.get_quotas("default").closed_projects == frozenset()
    assert api("GET", "/v1/runs", token=own).status == 401


def test_it_has_to_be_confirmed_and_permitted(deletion: Deletion) -> None:
    api = deletion.api
    api("POST", "/v1/projects", {"name": "shop-7f3"})
    for query in ({}, {"confirm": "default"}, {"confirm": ""}):
        answer = api("DELETE", "/v1/projects/shop-7f3", query=query)
        assert answer.status == 422, answer.text
    maintainer = api.token_for(["projects:write", "projects:read"])
    assert api("DELETE", "/v1/projects/shop-7f3", query={"confirm": "shop-7f3"}, token=maintainer).status == 403
    elsewhere = api.token_for(["*"], "default")
    assert api("DELETE", "/v1/projects/shop-7f3", query={"dry_run": "true"}, token=elsewhere).status == 404
    assert api("GET", "/v1/projects/shop-7f3/pipelines").status == 200
    assert api("GET", "/v1/project-deletions").json["items"] == []


def test_a_deletion_is_seen_by_those_who_may_read_the_project(deletion: Deletion, other_organization: str) -> None:
    api = deletion.api
    api("POST", "/v1/projects", {"name": "shop-7f3"})
    identifier = deletion.request("shop-7f3")
    for token in (other_organization, api.token_for(["*"], "default")):
        assert api("GET", f"/v1/project-deletions/{identifier}", token=token).status == 404
        assert api("GET", "/v1/project-deletions", token=token).json["items"] == []


def test_the_command_line_counts_and_deletes(deletion: Deletion, cadence: Any) -> None:  # noqa: F811
    deletion.api("POST", "/v1/projects", {"name": "shop-7f3"})
    deletion.api("PUT", "/v1/projects/shop-7f3/secrets/s", {"value": "v"})
    counted = cadence("project", "delete", "shop-7f3", "--dry-run")
    assert counted.exit_code == 0
    assert "1 secrets" in counted.stdout
    refused = cadence("project", "delete", "shop-7f3")
    assert (refused.exit_code, "--yes" in refused.stderr) == (2, True)
    assert "shop-7f3" in cadence("project", "list").stdout
    deleted = json.loads(cadence("project", "delete", "shop-7f3", "--yes", "--json").stdout)
    deletion.run_lambda({})
    shown = cadence("project", "deletion", deleted["id"])
    assert ("deleted" in shown.stdout, "secrets" in shown.stdout) == (True, True)
    assert deleted["id"] in cadence("project", "deletions").stdout
    assert "shop-7f3" not in cadence("project", "list").stdout
    assert cadence("project", "create", "shop-7f3").exit_code == 0
