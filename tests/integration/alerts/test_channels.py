"""Each kind of channel delivers to a real listener, and says what became of it when it cannot."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_string, policy
from typing import Any

import pytest
from moto import mock_aws

from cadence.adapters.alert_channels.chat import SlackSender, TeamsSender
from cadence.adapters.alert_channels.email import EmailSender
from cadence.adapters.alert_channels.http import Poster
from cadence.adapters.alert_channels.pagerduty import PagerDutySender
from cadence.adapters.alert_channels.sns import SnsSender
from cadence.adapters.alert_channels.webhook import WebhookSender
from cadence.adapters.aws import clients as aws_clients
from cadence.adapters.http.egress_policy import EgressPolicy
from cadence.application.alerts.messages import links
from cadence.application.alerts.ports import ChannelRefused, Sender
from cadence.domain.alerts.channel import Channel, ChannelKind
from cadence.domain.alerts.message import Message, MessageKind
from cadence.domain.alerts.occurrence import OccurrenceSample
from cadence.domain.alerts.rule import AlertSeverity
from cadence.domain.shared.errors import Transient
from tests.fakes.listeners import HttpListener, http_listener, smtp_listener

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
POSTER = Poster(EgressPolicy(frozenset({"*"})))
LINE = "ERROR <b>&amp; ```boom``` \ud800 *no* [link](http://x)"


def message(kind: MessageKind = MessageKind.FIRING, number: int = 1, **members: Any) -> Message:
    sample = OccurrenceSample(
        text=LINE, time="2030-01-01T11:59:59.000Z", run_id="01run", treatment="build:3.13", segment=4, index=17
    )
    values: dict[str, Any] = {
        "message_id": f"o.p.boom-abc.{number}.{kind}.1",
        "alert_id": f"o.p.boom-abc.{number}",
        "kind": kind,
        "organization": "o",
        "project": "p",
        "rule": "boom",
        "severity": AlertSeverity.CRITICAL,
        "labels": {"pipeline": "app", "treatment": "build:3.13"},
        "made_at": NOW,
        "opened_at": NOW,
        "count": 7,
        "window": 300,
        "description": "Call the owner.",
        "sample": sample,
        "links": links("https://ci.example", sample),
    }
    return Message(**{**values, **members})


def channel(kind: ChannelKind, **settings: Any) -> Channel:
    return Channel(
        organization="o", project="p", name="ops", kind=kind, settings=settings, updated_at=NOW, updated_by="test"
    )


@pytest.fixture
def listener() -> Iterator[HttpListener]:
    with http_listener() as listening:
        yield listening


def test_a_webhook_is_signed_over_its_id_time_and_body(listener: HttpListener) -> None:
    secret = "whsec_" + base64.urlsafe_b64encode(b"k" * 32).decode().rstrip("=")
    sender = WebhookSender(POSTER, lambda: NOW)
    sender.send(channel(ChannelKind.WEBHOOK, url=f"{listener.url}/in"), secret, [message(), message(number=2)])
    (got,) = listener.posted
    signed = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
    expected = base64.b64encode(hmac.digest(b"k" * 32, signed, hashlib.sha256)).decode()
    assert got.headers["webhook-signature"] == f"v1,{expected}"
    sent = json.loads(got.body)
    assert [one["message_id"] for one in sent["messages"]] == ["o.p.boom-abc.1.firing.1", "o.p.boom-abc.2.firing.1"]
    first = sent["messages"][0]
    assert first["links"]["line"] == "https://ci.example/v1/runs/01run/logs?after=4%3A17&limit=1"
    assert first["links"]["treatment"] == "https://ci.example/v1/runs/01run/treatments/build%3A3.13"
    assert first["links"]["command"] == "cadence show 01run build:3.13"
    assert first["title"] == "boom is firing: pipeline=app treatment=build:3.13"


def test_a_webhook_that_is_sent_again_is_known_by_its_id(listener: HttpListener) -> None:
    sender = WebhookSender(POSTER, lambda: NOW)
    for _ in range(2):
        sender.send(channel(ChannelKind.WEBHOOK, url=listener.url), "secret-of-16-chars", [message()])
    assert len({got.headers["webhook-id"] for got in listener.posted}) == 1


def test_slack_gets_attachments_whose_text_means_nothing_to_it(listener: HttpListener) -> None:
    SlackSender(POSTER).send(channel(ChannelKind.SLACK), f"{listener.url}/services/T/B/x", [message()])
    (got,) = listener.posted
    (attachment,) = json.loads(got.body)["attachments"]
    assert attachment["title_link"] == "https://ci.example/v1/runs/01run/treatments/build%3A3.13"
    assert "&lt;b&gt;&amp;amp;" in attachment["text"] and attachment["text"].count("```") == 2
    assert "<https://ci.example/v1/runs/01run/logs?after=4%3A17&limit=1|Log line>" in attachment["text"]
    assert attachment["color"] == "#8b0000" and "7 in 5 min" in attachment["text"]


def test_teams_gets_an_adaptive_card(listener: HttpListener) -> None:
    messages = [message(), message(MessageKind.RESOLVED)]
    TeamsSender(POSTER).send(channel(ChannelKind.TEAMS), f"{listener.url}/workflow", messages)
    (attachment,) = json.loads(listener.posted[0].body)["attachments"]
    firing, resolved = attachment["content"]["body"]
    assert firing["items"][0]["color"] == "Attention" and resolved["items"][0]["color"] == "Good"
    assert "\\[link\\](http://x)" in firing["items"][1]["text"]
    assert [action["title"] for action in firing["items"][-1]["actions"]] == ["Log line", "Treatment", "Run"]


def test_pagerduty_opens_and_resolves_one_incident(listener: HttpListener) -> None:
    sender = PagerDutySender(POSTER)
    its = channel(ChannelKind.PAGERDUTY, url=f"{listener.url}/v2/enqueue")
    for kind in (MessageKind.FIRING, MessageKind.STILL_FIRING, MessageKind.RESOLVED):
        sender.send(its, "routing-key", [message(kind)])
    events = [json.loads(got.body) for got in listener.posted]
    assert [event["event_action"] for event in events] == ["trigger", "trigger", "resolve"]
    assert {event["dedup_key"] for event in events} == {"o.p.boom-abc.1"}
    assert {event["routing_key"] for event in events} == {"routing-key"}
    payload = events[0]["payload"]
    assert (payload["severity"], payload["component"], payload["class"]) == ("critical", "build:3.13", "boom")
    assert events[0]["links"][0]["text"] == "line"


def test_a_mail_holds_everything_that_waits() -> None:
    with smtp_listener() as listener:
        its = channel(
            ChannelKind.EMAIL,
            **{"to": ["a@x.example", "b@x.example"], "from": "ci@x.example"},
            host="127.0.0.1",
            port=listener.port,
            encryption="none",
        )
        EmailSender(EgressPolicy(frozenset({"*"}))).send(its, None, [message(), message(number=2)])
        ((sender, to, text),) = listener.mails
        assert (sender, to) == ("ci@x.example", ["a@x.example", "b@x.example"])
        mail = message_from_string(text, policy=policy.default)
        assert mail["Subject"] == "2 messages about alerts" and mail["Auto-Submitted"] == "auto-generated"
        content = mail.get_content()
        assert content.count("boom is firing") == 2 and "after=4%3A17" in content and "Call the owner." in content
        listener.verdict = "451 later"
        with pytest.raises(Transient, match="451 later"):
            EmailSender(EgressPolicy(frozenset({"*"}))).send(its, None, [message()])
        listener.verdict = "554 spam"
        with pytest.raises(ChannelRefused, match="554 spam"):
            EmailSender(EgressPolicy(frozenset({"*"}))).send(its, None, [message()])
        with pytest.raises(Transient, match="no public host"):
            EmailSender(EgressPolicy()).send(its, None, [message()])
    with pytest.raises(Transient, match="cannot be used: no connection"):
        EmailSender(EgressPolicy(frozenset({"*"}))).send(its, None, [message()])


def test_a_mail_that_has_to_be_encrypted_is_not_sent_in_the_open() -> None:
    with smtp_listener() as listener:
        its = channel(
            ChannelKind.EMAIL, **{"to": ["a@x.example"], "from": "ci@x.example"}, host="127.0.0.1", port=listener.port
        )
        with pytest.raises(Transient):
            EmailSender(EgressPolicy(frozenset({"*"}))).send(its, None, [message()])
        assert listener.mails == []


def test_a_topic_is_made_when_it_is_first_used(monkeypatch: pytest.MonkeyPatch) -> None:
    region = "eu-west-1"
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": region,
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr(aws_clients, "REGION", region)
    aws_clients.client.cache_clear()
    with mock_aws():
        sender: Sender = SnsSender(f"arn:aws:sns:{region}:123456789012:cadence-main-alerts-")
        sender.send(channel(ChannelKind.SNS), None, [])
        sns, sqs = aws_clients.client("sns"), aws_clients.client("sqs")
        (topic,) = sns.list_topics()["Topics"]
        queue = sqs.create_queue(QueueName="subscriber")["QueueUrl"]
        arn = f"arn:aws:sqs:{region}:123456789012:subscriber"
        sns.subscribe(
            TopicArn=topic["TopicArn"], Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"}
        )
        sender.send(channel(ChannelKind.SNS), None, [message()])
        (got,) = sqs.receive_message(QueueUrl=queue)["Messages"]
        assert json.loads(got["Body"])["message_id"] == "o.p.boom-abc.1.firing.1"
    aws_clients.client.cache_clear()


@pytest.mark.parametrize("status", [301, 401, 403, 404, 410, 429, 500, 503])
def test_what_somebody_can_mend_is_tried_again(listener: HttpListener, status: int) -> None:
    listener.status = status
    with pytest.raises(Transient, match=f"status {status}") as caught:
        SlackSender(POSTER).send(channel(ChannelKind.SLACK), f"{listener.url}/services/very-secret", [message()])
    assert "very-secret" not in str(caught.value)
    assert listener.refused == 1  # and no redirect was followed


@pytest.mark.parametrize("status", [400, 413, 422])
def test_what_is_wrong_with_the_message_itself_is_told_apart(listener: HttpListener, status: int) -> None:
    listener.status, listener.answer = status, b"invalid_payload"
    with pytest.raises(ChannelRefused, match="invalid_payload"):
        SlackSender(POSTER).send(channel(ChannelKind.SLACK), listener.url, [message()])


def test_an_address_inside_the_installation_is_not_reached(listener: HttpListener) -> None:
    guarded = Poster(EgressPolicy())
    for url in (listener.url, "http://169.254.169.254/latest/meta-data", "http://[::1]:1/"):
        with pytest.raises(Transient, match="no public host") as caught:
            guarded.post(url, b"{}")
        assert url not in str(caught.value)
    assert listener.posted == []
