"""Webhooks of the kind `generic`: from a signed event to exactly one run of each pipeline that listens."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import pytest

from cadence.adapters.dynamodb.repositories.event_deliveries import DynamoEventDeliveries
from cadence.domain.shared.errors import Transient
from cadence.domain.triggers.webhook_events import LARGEST_BODY, webhook_signature
from tests.integration.api.calling import Answer, Api, event
from tests.integration.api.repositories.test_webhooks import Hooks, hooks, put  # noqa: F401 (fixture)

SECRET = "a-secret-of-the-shop"
PAID = {"specversion": "1.0", "id": "e-1", "source": "/shop", "type": "order.paid", "data": {"order": "A7"}}
PACK = """
cadence: 1
name: pack
parameters: {order: {type: string}}
on:
  webhook:
    - {source: shop, types: ["order.*", "!order.draft"], parameters: {order: "${{ event.data.order }}"}}
treatments:
  pack: {run: echo}
"""


@dataclass
class Shop:
    """A registered sender."""

    api: Api
    hooks: Hooks
    githost: dict[str, Any]

    def send(
        self,
        body: bytes | Any = PAID,
        *,
        webhook_id: str = "msg-1",
        secret: str = SECRET,
        path: str | None = None,
        seconds_ago: int = 0,
        content_type: str = "application/cloudevents+json",
        more: Mapping[str, str] = MappingProxyType({}),
    ) -> Answer:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        timestamp = str(int(time.time()) - seconds_ago)
        headers = {
            "Content-Type": content_type,
            "Webhook-Id": webhook_id,
            "Webhook-Timestamp": timestamp,
            "Webhook-Signature": webhook_signature(webhook_id, timestamp, content, secret.encode()),
            **more,
        }
        where = path or self.githost["webhook_path"]
        message = event("POST", where, headers=headers, body=content.decode())
        message["pathParameters"] = dict(zip(("kind", "hook"), where.split("/")[2:], strict=True))
        response = self.hooks.webhooks.handler(message, None)
        return Answer(response["statusCode"], response["headers"], response["body"])

    def process(self) -> None:
        assert self.hooks.process(*self.hooks.queued()) == []

    def deliveries(self) -> list[dict[str, Any]]:
        answer = self.api("GET", f"/v1/githosts/{self.githost['id']}/deliveries")
        assert answer.status == 200, answer.text
        listed: list[dict[str, Any]] = answer.json["items"]
        return listed


@pytest.fixture
def shop(api: Api, hooks: Hooks) -> Shop:  # noqa: F811
    body = {"kind": "generic", "project": "default", "name": "shop", "webhook_secret": SECRET}
    added = api("POST", "/v1/githosts", body)
    assert added.status == 201, added.text
    return Shop(api, hooks, added.json)


def test_an_event_becomes_a_run_with_its_parameters(shop: Shop) -> None:
    put(shop.api, PACK)

    assert shop.send().status == 202
    shop.process()

    (run,) = shop.hooks.runs()
    details = shop.api("GET", f"/v1/runs/{run['run_id']}").json
    assert (run["created_by"], details["parameters"]) == ("generic shop", {"order": "A7"})
    assert details["event"] == {
        "kind": "webhook",
        "webhook": "shop",
        "id": "e-1",
        "type": "order.paid",
        "source": "/shop",
        "data": {"order": "A7"},
    }
    (delivery,) = shop.deliveries()
    assert (delivery["id"], delivery["event"], delivery["runs"]) == ("msg-1", "order.paid", [run["run_id"]])
    assert delivery["outcome"] == "1 pipeline with the source shop, 1 triggered."


def test_binary_cloud_events_and_plain_objects_start_runs_too(shop: Shop) -> None:
    put(shop.api, PACK)
    put(shop.api, PACK.replace("event.data.order", "event.data.data.order").replace("name: pack", "name: plain"))
    binary = {"ce-specversion": "1.0", "ce-id": "e-2", "ce-source": "/shop", "ce-type": "order.paid"}

    assert shop.send({"order": "B"}, content_type="application/json", more=binary).status == 202
    plain = {"type": "order.paid", "data": {"order": "C"}}
    assert shop.send(plain, webhook_id="msg-2", content_type="application/json").status == 202
    shop.process()

    runs = [shop.api("GET", f"/v1/runs/{run['run_id']}").json for run in shop.hooks.runs()]
    made = {(run["pipeline"], run["event"]["id"]): run for run in runs}
    assert made["pack", "e-2"]["parameters"] == {"order": "B"}
    assert made["plain", "msg-2"]["parameters"] == {"order": "C"}
    # An expression without a value: the run is there, and says so.
    assert made["plain", "e-2"]["state"] == made["pack", "msg-2"]["state"] == "failed"
    assert "/on/webhook/parameters/order" in made["plain", "e-2"]["cause"]


def test_a_webhook_that_is_sent_again_starts_no_second_run(shop: Shop) -> None:
    put(shop.api, PACK)
    shop.send()
    shop.send()
    shop.process()
    shop.send(seconds_ago=60)
    shop.process()

    assert (len(shop.hooks.runs()), len(shop.deliveries())) == (1, 1)
    shop.send(webhook_id="msg-2")
    shop.process()
    assert (len(shop.hooks.runs()), [one["id"] for one in shop.deliveries()]) == (2, ["msg-2", "msg-1"])


def test_a_delivery_that_is_interrupted_leads_to_the_same_run(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise Transient("The table is throttled.")

    put(shop.api, PACK)
    shop.send()
    queued = shop.hooks.queued()
    with monkeypatch.context() as patch:
        patch.setattr(DynamoEventDeliveries, "add_event_delivery", interrupted)
        assert shop.hooks.process(*queued) == ["m0"]

    assert shop.hooks.process(*queued) == []
    (run,) = shop.hooks.runs()
    assert [one["runs"] for one in shop.deliveries()] == [[run["run_id"]]]


def test_a_delivery_that_starts_nothing_says_why(shop: Shop) -> None:
    shop.send()
    shop.process()
    put(shop.api, PACK)
    shop.send({**PAID, "type": "order.draft"}, webhook_id="msg-2")
    shop.process()

    assert shop.hooks.runs() == []
    assert [one["outcome"] for one in shop.deliveries()] == [
        "1 pipeline with the source shop, none with the type order.draft.",
        "No stored pipeline of the project has `on.webhook` with the source shop.",
    ]


def test_an_unauthenticated_sender_learns_nothing(shop: Shop) -> None:
    known = shop.githost["webhook_path"]
    refused = [
        shop.send(secret="another"),
        shop.send(more={"webhook-signature": "v1,x"}),
        shop.send(more={"webhook-timestamp": ""}),
        shop.send(path="/webhooks/generic/01unknown"),
        shop.send(path="/webhooks/generic/01unknown", secret="unknown"),
        shop.send(seconds_ago=4_000),
        shop.send(seconds_ago=-4_000),
        shop.send(b"x" * (LARGEST_BODY + 1), secret="another"),
        shop.send(path=shop.hooks.path.replace("github", "generic")),
    ]
    assert {answer.status for answer in refused} == {401}
    assert len({answer.text for answer in refused}) == 1
    assert shop.send(path=known.replace("generic", "github")).status == 401
    assert shop.hooks.queued() == []


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 422), (b"[]", 422), (b"{}", 422), (b" " * (LARGEST_BODY + 1), 413)],
    ids=["no json", "list", "no event", "huge"],
)
def test_a_signed_body_that_is_no_event_is_refused(shop: Shop, body: bytes, status: int) -> None:
    assert shop.send(body).status == status
    assert shop.hooks.queued() == []


def test_a_sender_is_rotated_and_removed_as_a_git_host_is(shop: Shop) -> None:
    address = f"/v1/githosts/{shop.githost['id']}"
    rotated = shop.api("PUT", f"{address}/webhook-secret", {})
    assert (rotated.status, rotated.json["webhook_secret"][:6]) == (200, "whsec_")
    assert shop.api("PUT", f"{address}/webhook-secret", {"webhook_secret": "whsec_" + "!" * 20}).status == 422
    assert shop.api("PUT", f"{address}/access-token", {"access_token": "t"}).status == 422

    assert shop.api("DELETE", address).status == 204
    assert shop.api("GET", f"{address}/deliveries").status == 404
    assert shop.send(secret=rotated.json["webhook_secret"]).status == 401


@pytest.mark.parametrize(
    "more",
    [{"url": "https://git.example"}, {"access_token": "t"}, {"programs": True}],
    ids=["url", "token", "programs"],
)
def test_a_sender_has_no_repositories(api: Api, more: dict[str, Any]) -> None:
    assert api("POST", "/v1/githosts", {"kind": "generic", "project": "default", "name": "s", **more}).status == 422


def test_a_trigger_of_a_webhook_is_checked_with_the_document(api: Api) -> None:
    wrong = PACK.replace('parameters: {order: "$', 'parameters: {ordr: "$')
    answer = api("POST", "/v1/projects/default/pipelines:validate", {"document": wrong})
    codes = {finding["code"] for finding in answer.json["findings"]}
    assert codes == {"unknown-parameter", "missing-parameter"}
