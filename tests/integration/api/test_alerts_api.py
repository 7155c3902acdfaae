"""Alert rules, channels and silences over the API; and the whole way from an event to a real listener, also through its
outage.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from cadence.adapters.aws import alert_notifier
from cadence.adapters.aws import clients as aws_clients
from cadence.composition.alert_deliveries import deliver_messages
from cadence.composition.alerts import judge_message
from cadence.domain.exports.event import Audience, EventKind
from cadence.domain.logs.log import Segment
from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.runs.run import Treatment
from cadence.domain.runs.states import TreatmentState
from cadence.domain.shared.errors import Transient
from tests.fakes.alerts import line, stamp, treatment_event
from tests.fakes.listeners import HttpListener, http_listener
from tests.integration.api.calling import HELLO, Api

RULES = "/v1/alerts/rules/default"
CHANNELS = "/v1/alerts/channels/default"
FAILURES: dict[str, Any] = {"when": {"treatment": {}}, "channels": ["ops"], "description": "Look at it."}


@pytest.fixture
def listener() -> Iterator[HttpListener]:
    with http_listener() as listening:
        yield listening


@pytest.fixture
def secret(api: Api, queues: "Queues", listener: HttpListener) -> str:
    """The signing key of the channel `ops`, a webhook at the listener."""
    answer = api("PUT", f"{CHANNELS}/ops", {"kind": "webhook", "settings": {"url": f"{listener.url}/hook"}})
    assert answer.status == 201, answer.text
    key: str = answer.json["secret"]
    return key


def test_events_are_judged_from_the_first_rule_to_the_last(
    api: Api, secret: str, lambdas: Any, other_organization: str
) -> None:
    assert lambdas.mappings == []
    for name in ("one", "two"):
        assert api("PUT", f"{RULES}/{name}", {"rule": FAILURES}).status == 201
    assert len(lambdas.mappings) == 1
    assert lambdas.mappings[0]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    rival = {"kind": "webhook", "settings": {"url": "http://127.0.0.1:9/"}}
    api("PUT", f"{CHANNELS}/ops", rival, token=other_organization)
    assert api("PUT", f"{RULES}/three", {"rule": FAILURES}, token=other_organization).status == 201
    for name in ("one", "two"):
        assert api("DELETE", f"{RULES}/{name}").status == 204
        assert len(lambdas.mappings) == 1  # somebody else needs it still
    # What waits for a channel is tried again by the same queue.
    assert api("POST", f"{CHANNELS}/ops/test", token=other_organization).status == 202
    assert api("DELETE", f"{RULES}/three", token=other_organization).status == 204
    assert len(lambdas.mappings) == 1
    assert api("DELETE", f"{CHANNELS}/ops", token=other_organization).status == 204
    assert lambdas.mappings == []
    assert api("PUT", f"{RULES}/one", {"rule": FAILURES}).status == 201
    assert len(lambdas.mappings) == 1
    lambdas.mappings[0]["State"] = "Deleting"
    with pytest.raises(Transient):
        api("PUT", f"{RULES}/two", {"rule": FAILURES})


class Queues:
    """Does what the queue and Lambda would do: hands out messages that are due, and carries out what was asked for
    meanwhile.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.judge = judge_message()
        self.deliver = deliver_messages(lambda message, **fields: None)
        self.asked: list[dict[str, Any]] = []
        monkeypatch.setattr(alert_notifier, "client", self._client)

    def run(self) -> None:
        while self._take() or self.asked:
            asked, self.asked[:] = list(self.asked), []
            for event in asked:
                self.deliver(event)

    def _client(self, service: str) -> Any:
        return self if service == "lambda" else aws_clients.client(service)

    def invoke(self, FunctionName: str, InvocationType: str, Payload: bytes) -> None:  # noqa: N803 - botocore's names
        assert (FunctionName, InvocationType) == ("alert-deliveries", "Event")
        self.asked.append(json.loads(Payload))

    def _take(self) -> int:
        sqs = aws_clients.client("sqs")
        url = sqs.get_queue_url(QueueName="alerting")["QueueUrl"]
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        for message in messages:
            self.judge(message["Body"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return len(messages)


@pytest.fixture
def queues(settings: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Queues:
    return Queues(monkeypatch)


def failure(api: Api, run_id: str = "01run", **members: Any) -> str:
    event = treatment_event(api.services.clock(), run_id, organization="default", project="default")
    return json.dumps({**event, **members})


def test_a_rule_is_stored_read_listed_and_deleted(api: Api, secret: str) -> None:
    assert api("PUT", f"{RULES}/failures", {"rule": FAILURES}).status == 201
    again = api("PUT", f"{RULES}/failures", {"rule": {**FAILURES, "cooldown": 60}})
    assert (again.status, again.json["revision"]) == (200, 1)
    changed = api("PUT", f"{RULES}/failures", {"rule": {**FAILURES, "count": 3}})
    assert changed.json["revision"] == 2
    assert api("GET", f"{RULES}/failures").json["rule"] == {**FAILURES, "count": 3}
    assert [rule["name"] for rule in api("GET", "/v1/alerts/rules").json["items"]] == ["failures"]
    refused = api("DELETE", f"{CHANNELS}/ops")
    assert refused.status == 409 and "failures" in refused.json["detail"]
    assert api("DELETE", f"{RULES}/failures").status == 204
    assert api("GET", f"{RULES}/failures").status == 404
    assert api("DELETE", f"{CHANNELS}/ops").status == 204


def test_events_are_asked_for_as_rules_need_them(api: Api, secret: str) -> None:
    from cadence.adapters.dynamodb.access.subscriptions import DynamoSubscriptionStore

    def wanted() -> frozenset[EventKind]:
        return DynamoSubscriptionStore("access").get_subscriptions("default")[Audience.ALERTING]

    api("PUT", f"{RULES}/one", {"rule": FAILURES})
    api("PUT", f"{RULES}/two", {"rule": {"when": {"log": {"query": "boom"}}, "channels": ["ops"]}})
    assert wanted() == {EventKind.TREATMENT, EventKind.SEGMENT}
    api("DELETE", f"{RULES}/one")
    assert wanted() == {EventKind.SEGMENT}


@pytest.mark.parametrize(
    ("rule", "pointer", "words"),
    [
        ({"when": {}, "channels": ["ops"]}, "/rule/when", "exactly one of: log"),
        ({"when": {"log": {"query": "x"}, "run": {}}, "channels": ["ops"]}, "/rule/when", "exactly one of"),
        ({"when": {"run": {}}, "channels": ["nobody"]}, "/rule/channels/0", "Create it first"),
        ({"when": {"run": {}}, "channels": ["ops"], "group_by": ["pool"]}, "/rule/group_by", "cannot group by pool"),
        ({"when": {"log": {"query": '"open'}}, "channels": ["ops"]}, "/rule/when/log/query", "at character"),
        ({"when": {"log": {"query": "a since:2h"}}, "channels": ["ops"]}, "/rule/when/log/query", "leave out"),
        ({"when": {"log": {"query": "state:failed"}}, "channels": ["ops"]}, "/rule/when/log/query", "not known yet"),
        ({"when": {"run": {}}, "channels": ["ops"], "wehn": 1}, "/rule", "wehn"),
        ({"when": {"time": {"of": "queue", "above": 0}}, "channels": ["ops"]}, "/rule/when/time/above", "0"),
    ],
)
def test_a_rule_that_is_wrong_is_refused_with_the_place(
    api: Api, secret: str, rule: dict[str, Any], pointer: str, words: str
) -> None:
    for answer in (
        api("PUT", f"{RULES}/failures", {"rule": rule}),
        api("POST", "/v1/alerts/dry-runs", {"project": "default", "rule": rule}),
    ):
        if answer.status == 200:
            assert pointer == "/rule/channels/0"  # a dry run needs no channels
            continue
        assert answer.status == 422
        (violation,) = answer.json["violations"]
        assert violation["pointer"] == pointer and words in violation["message"]


def test_a_channels_secret_is_kept_encrypted_and_never_shown(api: Api, listener: HttpListener) -> None:
    address = f"{listener.url}/services/very-secret-address"
    made = api("PUT", f"{CHANNELS}/chat", {"kind": "slack", "secret": address})
    assert made.status == 201 and made.json["secret"] is None
    for answer in (made, api("GET", f"{CHANNELS}/chat"), api("GET", "/v1/alerts/channels")):
        assert "very-secret" not in answer.text
    assert "very-secret" not in str(aws_clients.client("dynamodb").scan(TableName="alerts")["Items"])
    kept = api("PUT", f"{CHANNELS}/chat", {"kind": "slack"})
    assert kept.status == 200  # the one that is kept stays
    other_kind = api("PUT", f"{CHANNELS}/chat", {"kind": "pagerduty"})
    assert other_kind.json["violations"][0]["pointer"] == "/secret"  # of another kind it is of no use


def test_a_secret_is_not_kept_for_another_address(api: Api) -> None:
    settings = {"to": ["a@example.org"], "from": "ci@example.org", "host": "mail.example.org", "username": "ci"}
    mail = {"kind": "email", "settings": settings}
    assert api("PUT", f"{CHANNELS}/mail", {**mail, "secret": "password"}).status == 201
    assert api("PUT", f"{CHANNELS}/mail", {**mail, "settings": {**settings, "to": ["b@example.org"]}}).status == 200
    for changed in ({"host": "mail.example.net"}, {"port": 25}, {"encryption": "none"}):
        refused = api("PUT", f"{CHANNELS}/mail", {**mail, "settings": {**settings, **changed}})
        assert refused.status == 422, refused.text
        assert "/secret" in {violation["pointer"] for violation in refused.json["violations"]}
    moved = api("PUT", f"{CHANNELS}/mail", {**mail, "settings": {**settings, "port": 25}, "secret": "anew"})
    assert moved.status == 200


def test_a_webhooks_changed_address_gets_another_signing_secret(api: Api) -> None:
    def put(url: str) -> str | None:
        answer = api("PUT", f"{CHANNELS}/hook", {"kind": "webhook", "settings": {"url": url}})
        assert answer.status in {200, 201}, answer.text
        secret: str | None = answer.json["secret"]
        return secret

    first = put("https://one.example.org/")
    assert first
    assert put("https://one.example.org/") is None
    assert put("https://two.example.org/") not in {None, first}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"kind": "webhook"}, "/settings/url"),
        ({"kind": "webhook", "settings": {"url": "ftp://x"}}, "/settings/url"),
        ({"kind": "webhook", "settings": {"url": "http://u:p@x/"}}, "/settings/url"),
        ({"kind": "webhook", "settings": {"url": "http://x/"}, "secret": "short"}, "/secret"),
        ({"kind": "webhook", "settings": {"url": "http://x/"}, "secret": "whsec_no base64 at all"}, "/secret"),
        ({"kind": "slack"}, "/secret"),
        ({"kind": "slack", "secret": "no-address"}, "/secret"),
        ({"kind": "email", "settings": {"to": ["a@x"], "from": "ci@x", "host": "h h"}}, "/settings/host"),
        ({"kind": "email", "settings": {"to": ["a@x\r\nBcc: b@x"], "from": "ci@x", "host": "h"}}, "/settings/to"),
        ({"kind": "sns", "settings": {"topic": "x"}}, "/settings/topic"),
    ],
)
def test_a_channel_that_is_wrong_is_refused(api: Api, body: dict[str, Any], pointer: str) -> None:
    answer = api("PUT", f"{CHANNELS}/bad", body)
    assert answer.status == 422 and answer.json["violations"][0]["pointer"] == pointer


def test_an_event_reaches_the_listener_signed_and_with_its_links(
    api: Api, queues: Queues, secret: str, listener: HttpListener
) -> None:
    api("PUT", f"{RULES}/failures", {"rule": FAILURES}, headers={"x-forwarded-proto": "http"})
    for _ in range(2):
        queues.judge(failure(api))
    queues.run()
    (got,) = listener.posted
    signed = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
    key = base64.urlsafe_b64decode(secret.removeprefix("whsec_") + "=")
    expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    assert got.headers["webhook-signature"] == f"v1,{expected}"
    (message,) = json.loads(got.body)["messages"]
    assert message["links"]["treatment"] == "http://api.example/v1/runs/01run/treatments/build"
    (alert,) = api("GET", "/v1/alerts").json["items"]
    assert (alert["state"], alert["labels"]["treatment"], alert["messages"]) == ("open", "build", 1)
    queues.judge(
        failure(
            api, "02run", state="succeeded", id="later", finished_at=stamp(api.services.clock() + timedelta(seconds=5))
        )
    )
    queues.run()
    kinds = [json.loads(got.body)["messages"][0]["kind"] for got in listener.posted]
    assert kinds == ["firing", "resolved"]
    assert api("GET", "/v1/alerts", query={"state": "open"}).json["items"] == []


def test_an_outage_of_the_listener_loses_nothing(api: Api, queues: Queues, secret: str, listener: HttpListener) -> None:
    api("PUT", f"{RULES}/failures", {"rule": {**FAILURES, "group_by": ["run"]}})
    listener.status = 503
    for number in range(30):
        queues.judge(failure(api, f"run-{number:02}", id=f"event-{number}"))
        queues.run()
    assert listener.refused < 5  # the tries lie farther and farther apart
    channel = api("GET", f"{CHANNELS}/ops").json
    assert (channel["state"], channel["waiting"]) == ("failing", 30)
    assert channel["last_error"] == "The channel answers with status 503: ok"
    listener.status = 200
    api("PUT", f"{CHANNELS}/ops", {"kind": "webhook", "settings": {"url": f"{listener.url}/hook"}})  # try at once
    queues.run()
    told = [message["labels"]["run"] for got in listener.posted for message in json.loads(got.body)["messages"]]
    assert sorted(told) == [f"run-{number:02}" for number in range(30)]
    assert len(listener.posted) == 1
    assert api("GET", f"{CHANNELS}/ops").json["state"] == "ok"


def test_a_line_is_found_by_a_query_and_linked(api: Api, queues: Queues, secret: str, listener: HttpListener) -> None:
    rule = {"when": {"log": {"query": 'level:error "connection refused"'}}, "count": 2, "channels": ["ops"]}
    api("PUT", f"{RULES}/refused", {"rule": rule})
    now = api.services.clock()
    lines = [line(now, "fine"), line(now, "Connection refused", level="error"), line(now, "connection refused")]
    from cadence.adapters.s3.log_segments import S3LogSegments

    for number in range(2):
        event = {
            "id": f"segment:01run:{number}",
            "kind": "segment",
            "organization": "default",
            "project": "default",
            "pipeline": "app",
            "run_id": "01run",
            "number": number,
            "key": S3LogSegments("data").write("01run", number, lines),
            "treatments": ["build"],
        }
        queues.judge(json.dumps(event))
        queues.judge(json.dumps(event))
    queues.run()
    (message,) = json.loads(listener.posted[0].body)["messages"]
    assert (message["count"], message["sample"]["index"]) == (2, 1)
    assert message["links"]["line"].endswith("/v1/runs/01run/logs?after=1%3A1&limit=1")
    (alert,) = api("GET", "/v1/alerts").json["items"]
    assert alert["sample"]["text"] == "Connection refused"
    (alert,) = api("GET", "/v1/alerts", token=api.token_for(["alerts:read"])).json["items"]
    assert alert["sample"] is None


def test_lines_are_not_read_by_way_of_rules(api: Api, secret: str) -> None:
    rule = {"when": {"log": {"query": "panic"}}, "channels": ["ops"]}
    token = api.token_for(["alerts:read", "alerts:write"])
    refused = [
        api("PUT", f"{RULES}/panics", {"rule": rule}, token=token),
        api("POST", "/v1/alerts/dry-runs", {"project": "default", "rule": rule}, token=token),
    ]
    assert [(answer.status, answer.json["details"]) for answer in refused] == [(403, {"permission": "logs:read"})] * 2
    assert api("PUT", f"{RULES}/failures", {"rule": FAILURES}, token=token).status == 201
    assert api("PUT", f"{RULES}/panics", {"rule": rule}).status == 201


def test_links_do_not_lead_to_an_address_that_a_header_names(
    api: Api, queues: Queues, secret: str, listener: HttpListener
) -> None:
    api("PUT", f"{RULES}/failures", {"rule": FAILURES}, headers={"x-forwarded-host": "evil.example"})
    queues.judge(failure(api))
    queues.run()
    (message,) = json.loads(listener.posted[0].body)["messages"]
    assert message["links"]["treatment"].startswith("https://api.example/")


def test_a_test_message_goes_to_the_channels_of_a_rule(
    api: Api, queues: Queues, secret: str, listener: HttpListener
) -> None:
    api("PUT", f"{RULES}/failures", {"rule": FAILURES})
    answer = api("POST", f"{RULES}/failures/test")
    assert (answer.status, answer.json["channels"]) == (202, ["ops"])
    assert api("POST", f"{CHANNELS}/ops/test").status == 202
    queues.run()
    messages = [message for got in listener.posted for message in json.loads(got.body)["messages"]]
    assert [message["kind"] for message in messages] == ["test", "test"]
    assert messages[0]["message_id"] == answer.json["message_id"]


def test_a_silence_is_added_listed_and_ended(api: Api, queues: Queues, secret: str, listener: HttpListener) -> None:
    ends = stamp(api.services.clock() + timedelta(hours=1))
    body = {"project": "default", "where": {"rule": "fail*"}, "ends_at": ends, "comment": "known"}
    made = api("POST", "/v1/alerts/silences", body)
    assert made.status == 201, made.text
    api("PUT", f"{RULES}/failures", {"rule": FAILURES})
    queues.judge(failure(api))
    queues.run()
    assert listener.posted == []
    (alert,) = api("GET", "/v1/alerts").json["items"]
    assert alert["state"] == "open" and alert["silenced_until"] is not None
    assert [one["comment"] for one in api("GET", "/v1/alerts/silences").json["items"]] == ["known"]
    assert api("DELETE", f"/v1/alerts/silences/default/{made.json['id']}").status == 204
    assert api("GET", "/v1/alerts/silences").json["items"] == []
    past = api("POST", "/v1/alerts/silences", {**body, "ends_at": "2020-01-01T00:00:00Z"})
    assert past.status == 422


def test_a_dry_run_tells_when_a_rule_would_have_fired(api: Api) -> None:
    """Four runs: three fail, one after another, then one succeeds."""
    runs, clock = api.services.runs, api.services.clock
    for number, state in enumerate([TreatmentState.FAILED] * 3 + [TreatmentState.SUCCEEDED]):
        run_id = api("POST", "/v1/projects/default/runs", {"document": HELLO}).json["run_id"]
        at = clock() - timedelta(minutes=30 - number)
        treatment = Treatment(
            run_id=run_id,
            name="greet",
            state=state,
            waiting=0,
            exit_code=number,
            started_at=at,
            finished_at=at,
            cause="It broke." if number < 3 else None,
        )
        runs.admit(run_id, [TreatmentSpec(name="greet", run="true")], [treatment], [])
    before = len(aws_clients.client("dynamodb").scan(TableName="alerts")["Items"])
    rule = {"when": {"treatment": {}}, "channels": ["ops"], "cooldown": 0}
    answer = api("POST", "/v1/alerts/dry-runs", {"project": "default", "rule": rule, "since": 3600})
    assert answer.status == 200, answer.text
    tried = answer.json
    assert (tried["fired"], tried["runs"], tried["complete"]) == (1, 4, True)
    assert tried["messages"] == {"firing": 1, "still_firing": 2, "resolved": 1}
    assert "It broke." in tried["alerts"][0]["sample"]["text"] and tried["alerts"][0]["closed_at"] is not None
    exact = {"when": {"treatment": {"exit_codes": [1]}}, "channels": ["ops"]}
    assert api("POST", "/v1/alerts/dry-runs", {"project": "default", "rule": exact}).json["fired"] == 1
    assert len(aws_clients.client("dynamodb").scan(TableName="alerts")["Items"]) == before


def test_a_dry_run_goes_through_the_lines_of_the_past(api: Api) -> None:
    from cadence.adapters.dynamodb.logs.log_index import DynamoLogIndex
    from cadence.adapters.s3.log_segments import S3LogSegments

    run_id = api("POST", "/v1/projects/default/runs", {"document": HELLO}).json["run_id"]
    now = api.services.clock()
    index, segments = DynamoLogIndex("logs"), S3LogSegments("data")
    for number in range(3):
        at = now - timedelta(minutes=9 - number * 2)
        lines = [line(at, "all fine", "greet"), line(at, "panic: boom", "greet", "error")]
        key = segments.write(run_id, number, lines)
        segment = Segment(
            organization="default",
            project="default",
            pipeline="hello",
            run_id=run_id,
            number=number,
            key=key,
            first_time=stamp(at),
            last_time=stamp(at),
            lines=2,
            treatments=("greet",),
            levels=("error", "info"),
        )
        index.append(index.get_head("default", run_id, []), segment, [])
    rule: dict[str, Any] = {"when": {"log": {"query": "panic"}}, "count": 3, "window": 300, "channels": ["ops"]}
    dry = {"project": "default", "rule": rule}
    once = api("POST", "/v1/alerts/dry-runs", dry).json
    assert (once["fired"], once["events"], once["complete"]) == (1, 3, True)
    # The line's place in its run's log, though its neighbours were not looked at.
    assert once["alerts"][0]["sample"]["index"] == 1
    rule["window"] = 200
    tried = api("POST", "/v1/alerts/dry-runs", dry).json
    assert (tried["fired"], tried["events"]) == (0, 3)


def test_others_see_nothing_of_it(
    api: Api, queues: Queues, secret: str, other_organization: str, other_project: str
) -> None:
    """A rival of another organization, a token of another project, and one of this project for what is the
    organization's.
    """
    api("PUT", f"{RULES}/failures", {"rule": FAILURES})
    api("PUT", "/v1/alerts/channels/*/all", {"kind": "sns"})
    silence = {"project": "default", "ends_at": "2100-01-01T00:00:00Z"}
    silence_id = api("POST", "/v1/alerts/silences", silence).json["id"]
    queues.judge(failure(api))
    neighbour = api.token_for(["alerts:read", "alerts:write"], other_project)
    for token in (other_organization, neighbour):
        for what in ("", "/rules", "/channels", "/silences"):
            assert api("GET", f"/v1/alerts{what}", token=token).json["items"] == []
    for method, path, body in (
        ("GET", f"{RULES}/failures", None),
        ("PUT", f"{RULES}/failures", {"rule": FAILURES}),
        ("DELETE", f"{RULES}/failures", None),
        ("POST", f"{RULES}/failures/test", None),
        ("GET", f"{CHANNELS}/ops", None),
        ("PUT", f"{CHANNELS}/ops", {"kind": "sns"}),
        ("DELETE", f"{CHANNELS}/ops", None),
        ("DELETE", f"/v1/alerts/silences/default/{silence_id}", None),
        ("POST", "/v1/alerts/silences", silence),
        ("POST", "/v1/alerts/dry-runs", {"project": "default", "rule": FAILURES}),
        ("GET", "/v1/alerts/channels/*/all", None),
    ):
        assert api(method, path, body, token=neighbour).status == 404, (method, path)
    # The rival has a project of the same name: it is another one.
    assert api("GET", f"{RULES}/failures", token=other_organization).status == 404
    wrong = api("PUT", f"{RULES}/mine", {"rule": FAILURES}, token=other_organization)
    assert wrong.json["violations"][0]["pointer"] == "/rule/channels/0"
    assert api("GET", f"{RULES}/failures").status == 200


def test_a_rule_of_the_organization_covers_all_projects(
    api: Api, queues: Queues, secret: str, listener: HttpListener, other_project: str
) -> None:
    channel = {"kind": "webhook", "settings": {"url": f"{listener.url}/all"}}
    assert api("PUT", "/v1/alerts/channels/*/everyone", channel).status == 201
    rule = {"when": {"treatment": {}}, "channels": ["everyone"]}
    assert api("PUT", "/v1/alerts/rules/*/failures", {"rule": rule}).status == 201
    for project in ("default", other_project):
        queues.judge(failure(api, id=f"event-{project}", project=project))
    queues.run()
    told = [message["labels"]["project"] for got in listener.posted for message in json.loads(got.body)["messages"]]
    assert sorted(told) == sorted(["default", other_project])


def test_what_a_replay_does_alerts_nobody(api: Api, queues: Queues, secret: str, listener: HttpListener) -> None:
    api("PUT", f"{RULES}/failures", {"rule": FAILURES})
    queues.judge(failure(api, replay_of="00run"))
    queues.run()
    assert listener.posted == []
