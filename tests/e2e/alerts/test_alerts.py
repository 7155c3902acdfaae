"""What goes wrong on the stack is told through every kind of channel, to real listeners, also to one that was not there
at first.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests

from cadence.local.shared.ports import first_free
from tests.e2e.account import Account
from tests.e2e.api import Api
from tests.e2e.conftest import Stack
from tests.fakes.listeners import HttpListener, http_listener, smtp_listener
from tests.waiting import eventually

DOCUMENT: dict[str, Any] = {
    "cadence": 1,
    "name": "alarming",
    "treatments": {
        "quiet": {"run": "echo all is well"},
        "loud": {"run": 'for n in 1 2 3; do echo "panic: reactor $n is on fire"; done; exit 7'},
    },
}
WITHIN = 120.0  # seconds; a bound on a hang, not a measure


@pytest.fixture
def clean(api: Api) -> Iterator[None]:
    """Other tests' failures would go on alarming."""
    yield
    for kind in ("rules", "channels"):
        for one in api.get(f"/v1/alerts/{kind}")["items"]:
            api.call("DELETE", f"/v1/alerts/{kind}/{one['project']}/{one['name']}")


def test_every_channel_delivers_also_one_that_was_out_of_order(api: Api, stack: Stack, clean: None) -> None:
    with ExitStack() as closing:
        listener = closing.enter_context(http_listener())
        mail = closing.enter_context(smtp_listener())
        dark = first_free()
        made = {
            "chat": _channel(api, "chat", "slack", secret=f"{listener.url}/slack"),
            "card": _channel(api, "card", "teams", secret=f"{listener.url}/teams"),
            "pager": _channel(api, "pager", "pagerduty", {"url": f"{listener.url}/pager"}, "routing-key"),
            "mail": _channel(
                api,
                "mail",
                "email",
                {
                    "to": ["ops@x.example"],
                    "from": "ci@x.example",
                    "host": "127.0.0.1",
                    "port": mail.port,
                    "encryption": "none",
                },
            ),
            "topic": _channel(api, "topic", "sns"),
            "dark": _channel(api, "dark", "webhook", {"url": f"http://127.0.0.1:{dark}/hook"}, "a-key-of-some-length"),
        }
        messages = _subscribed(api, stack, made["topic"]["topic"])
        rule = {
            "when": {"log": {"query": '"is on fire" treatment:loud'}},
            "count": 3,
            "where": {"pipeline": ["alarm*"]},
            "channels": list(made),
        }
        _put(api, "rules/default/fire", {"rule": rule})
        code = {
            "when": {"treatment": {"exit_codes": [7]}},
            "where": {"pipeline": ["alarming"]},
            "channels": ["chat", "dark"],
        }
        _put(api, "rules/default/exit-seven", {"rule": code})
        time.sleep(
            8
        )  # rules count within some seconds: both the rules and who wants to be told are remembered that long

        run_id = api.start(DOCUMENT)
        assert api.finished(run_id)["state"] == "failed"
        eventually(lambda: len(listener.posted) >= 4 and bool(mail.mails), WITHIN)
        eventually(lambda: api.get("/v1/alerts/channels/default/dark")["state"] == "failing", WITHIN)
        (sns,) = messages(1)
        assert sns["rule"] == "fire" and sns["labels"]["treatment"] == "loud" and sns["count"] == 3
        assert _paths(listener) == ["/pager", "/slack", "/slack", "/teams"]
        assert "loud" in mail.mails[0][2] and "is on fire" in mail.mails[0][2]
        _the_line_is_where_the_link_leads(api, sns)

        back = closing.enter_context(http_listener(dark))
        eventually(lambda: api.get("/v1/alerts/channels/default/dark")["waiting"] == 0, WITHIN)
        told = [message for got in back.posted for message in json.loads(got.body)["messages"]]
        assert sorted(message["rule"] for message in told) == ["exit-seven", "fire"]
        assert api.get("/v1/alerts/channels/default/dark")["state"] == "ok"
        assert {alert["rule"] for alert in api.get("/v1/alerts", state="open")["items"]} == {"exit-seven", "fire"}

        tried = api.call("POST", "/v1/alerts/dry-runs", json={"project": "default", "rule": rule, "since": 3600}).json()
        assert tried["complete"] and [one["labels"]["treatment"] for one in tried["alerts"]] == ["loud"]
        assert _paths(listener) == ["/pager", "/slack", "/slack", "/teams"]  # and nothing was told twice


def _channel(
    api: Api, name: str, kind: str, settings: dict[str, Any] | None = None, secret: str | None = None
) -> dict[str, Any]:
    return _put(api, f"channels/default/{name}", {"kind": kind, "settings": settings or {}, "secret": secret})


def _put(api: Api, path: str, body: dict[str, Any]) -> dict[str, Any]:
    response = api.call("PUT", f"/v1/alerts/{path}", json=body)
    assert response.status_code in (200, 201), response.text
    return dict(response.json())


def _subscribed(api: Api, stack: Stack, topic: str) -> Callable[[int], list[dict[str, Any]]]:
    """A queue that gets what the channel's topic tells; a test message makes the topic."""
    assert api.call("POST", "/v1/alerts/channels/default/topic/test").status_code == 202
    root = Account(stack).root
    sns, sqs = root("sns"), root("sqs")
    eventually(lambda: topic in [each["TopicArn"] for each in sns.list_topics()["Topics"]], WITHIN)
    queue = sqs.create_queue(QueueName="told-by-sns")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    let = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [let]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})

    def messages(count: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []

        def enough() -> bool:
            answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
            bodies = [json.loads(message["Body"]) for message in answer.get("Messages", [])]
            found.extend(body for body in bodies if body["kind"] != "test")
            return len(found) >= count

        eventually(enough, WITHIN)
        return found

    return messages


def _the_line_is_where_the_link_leads(api: Api, message: dict[str, Any]) -> None:
    links = message["links"]
    assert links["line"].startswith(api.url) and links["treatment"].startswith(api.url)
    page = requests.get(links["line"], headers={"authorization": f"Bearer {api.token}"}, timeout=120).json()
    assert [line["text"] for line in page["lines"]] == [message["sample"]["text"]]
    treatment = requests.get(links["treatment"], headers={"authorization": f"Bearer {api.token}"}, timeout=120).json()
    assert treatment["name"] == "loud" and links["command"] == f"cadence show {message['sample']['run_id']} loud"


def _paths(listener: HttpListener) -> list[str]:
    return sorted(got.path for got in listener.posted)


def test_the_alerts_lambda_is_called_from_the_first_rule_to_the_last(api: Api, stack: Stack, clean: None) -> None:
    lambdas = Account(stack).root("lambda")

    def mappings() -> int:
        return len(lambdas.list_event_source_mappings(FunctionName="cadence-main-alerts")["EventSourceMappings"])

    _channel(api, "ops", "webhook", {"url": "http://127.0.0.1:9/"})
    _put(api, "rules/default/failures", {"rule": {"when": {"run": {}}, "channels": ["ops"]}})
    assert mappings() == 1
    assert api.call("DELETE", "/v1/alerts/rules/default/failures").status_code == 204
    assert mappings() == 0
