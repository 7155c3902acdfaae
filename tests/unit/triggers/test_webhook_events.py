"""Webhooks of any sender: signatures of Standard Webhooks, and events as JSON or CloudEvents."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from cadence.domain.shared.errors import InvalidRequest, TooLarge
from cadence.domain.triggers.triggers import WebhookTrigger, from_json, to_json
from cadence.domain.triggers.webhook_events import (
    LARGEST_BODY,
    TOLERANCE,
    WebhookEvent,
    decode_webhook_event,
    read_webhook_event,
    signed_now,
    signing_key,
    webhook_id,
    webhook_signature,
)

# The example that the libraries of Standard Webhooks are tested with.
SECRET = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID, SENT_AT, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
NOW = datetime.fromtimestamp(SENT_AT, UTC)
HEADERS = {"webhook-id": ID, "webhook-timestamp": str(SENT_AT), "webhook-signature": SIGNATURE}
JSON = {"webhook-id": ID, "content-type": "application/json"}
STRUCTURED = {"webhook-id": ID, "content-type": "application/cloudevents+json; charset=utf-8"}
CLOUD_EVENT = {"specversion": "1.0", "id": "e-1", "source": "/shop", "type": "order.paid", "data": {"order": 7}}


def test_the_published_example_is_signed() -> None:
    assert webhook_signature(ID, str(SENT_AT), BODY, SECRET) == SIGNATURE
    assert signed_now(HEADERS, BODY, SECRET, NOW)


def test_one_right_signature_of_several_is_enough() -> None:
    several = f"v1,AAAA v1a,BBBB {SIGNATURE}"
    assert signed_now({**HEADERS, "webhook-signature": several}, BODY, SECRET, NOW)


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-id": "another"},
        {"webhook-timestamp": str(SENT_AT + 1)},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,é\ud800"},
        {"webhook-signature": SIGNATURE.removeprefix("v1,")},
        {"webhook-signature": "v1,x " * 10 + SIGNATURE},
    ],
    ids=["id", "timestamp", "missing", "not base64", "no version", "too many"],
)
def test_other_signatures_are_wrong(changed: dict[str, str]) -> None:
    assert not signed_now({**HEADERS, **changed}, BODY, SECRET, NOW)
    assert not signed_now({}, BODY, SECRET, NOW)
    assert not signed_now(HEADERS, BODY + b" ", SECRET, NOW)


def test_a_timestamp_counts_for_five_minutes_in_both_directions() -> None:
    for apart in (TOLERANCE, -TOLERANCE):
        assert signed_now(HEADERS, BODY, SECRET, NOW + apart)
        assert not signed_now(HEADERS, BODY, SECRET, NOW + apart * 1.01)


@pytest.mark.parametrize("timestamp", ["", "x", "-1", "1e9", "²", "1" * 400], ids=range(6))
def test_a_signed_timestamp_that_is_no_time_is_refused(timestamp: str) -> None:
    signature = webhook_signature(ID, timestamp, BODY, SECRET)
    headers = {**HEADERS, "webhook-timestamp": timestamp, "webhook-signature": signature}
    assert not signed_now(headers, BODY, SECRET, NOW)


def test_a_secret_is_a_text_or_base64_with_a_prefix() -> None:
    assert signing_key(b"any text of mine") == b"any text of mine"
    assert signing_key(b"whsec_YWJj") == b"abc"
    with pytest.raises(InvalidRequest, match="no base64 follows"):
        signing_key(b"whsec_!")


@pytest.mark.parametrize("value", ["", "x" * 201, "a.1614265330"], ids=["missing", "long", "full stop"])
def test_an_id_that_identifies_nothing_is_refused(value: str) -> None:
    with pytest.raises(InvalidRequest, match="webhook-id"):
        webhook_id({"webhook-id": value})


def test_both_modes_of_a_cloud_event_are_the_same_event() -> None:
    binary = {"webhook-id": ID, "content-type": "application/json"}
    attributes = {key: value for key, value in CLOUD_EVENT.items() if key != "data"}
    binary |= {f"ce-{key}": str(value) for key, value in attributes.items()}

    structured = read_webhook_event(STRUCTURED, json.dumps(CLOUD_EVENT).encode())

    assert structured == WebhookEvent(id="e-1", type="order.paid", source="/shop", data={"order": 7})
    assert read_webhook_event(binary, b'{"order": 7}') == structured
    assert read_webhook_event({**binary, "ce-subject": "caf%C3%A9"}, b"").subject == "café"
    assert read_webhook_event({**binary, "ce-data": "x"}, b"").data is None
    assert decode_webhook_event(structured.encode()) == structured


def test_any_other_object_is_data_as_a_whole() -> None:
    event = read_webhook_event(JSON, b'{"type": "paid", "order": 7}')

    assert event == WebhookEvent(id=ID, type="paid", data={"type": "paid", "order": 7})
    assert event.event("shop") == {"kind": "webhook", "webhook": "shop", "id": ID, "type": "paid", "data": event.data}
    assert read_webhook_event(JSON, b'{"type": 3}').type == ""


@pytest.mark.parametrize(
    ("headers", "body", "reason"),
    [
        (JSON, b"", "not JSON"),
        (JSON, b"\xff", "not JSON"),
        (JSON, b"[]", "not a JSON object"),
        (JSON, b"[" * 60_000, "not JSON|levels deep"),
        (JSON, b'{"a":' + b"[" * 40 + b"]" * 40 + b"}", "levels deep"),
        (JSON, b'{"a": NaN}', "not finite"),
        (JSON, b'{"a": 1e999}', "not finite"),
        (JSON, b'{"a": [9223372036854775808]}', "64 bits"),
        (JSON, b'{"\\ud800": 1}', "surrogate"),
        (JSON, b'{"type": "a\\u0000"}', "control characters"),
        (JSON, json.dumps({"type": "x" * 1_001}).encode(), "1,000 characters"),
        ({**JSON, "content-type": "application/cloudevents-batch+json"}, b"[]", "Batches"),
        (STRUCTURED, json.dumps({**CLOUD_EVENT, "specversion": "0.3"}).encode(), "specversion"),
        (STRUCTURED, json.dumps({**CLOUD_EVENT, "source": None}).encode(), "lacks `source`"),
        (STRUCTURED, json.dumps({**CLOUD_EVENT, "id": 3}).encode(), "`id` is no text"),
        (STRUCTURED, json.dumps({**CLOUD_EVENT, "data_base64": "AA=="}).encode(), "binary"),
        ({**JSON, "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s"}, b"{}", "lacks `type`"),
        ({**JSON, "ce-specversion": "1.0", "ce-id": "1"}, b"<a/>", "not JSON"),
    ],
    ids=range(18),
)
def test_other_bodies_are_refused_with_the_reason(headers: dict[str, str], body: bytes, reason: str) -> None:
    with pytest.raises(InvalidRequest, match=reason):
        read_webhook_event(headers, body)


def test_a_body_is_bounded() -> None:
    fitting = json.dumps({"a": "x" * (LARGEST_BODY - len('{"a": ""}'))}).encode()
    assert read_webhook_event(JSON, fitting).data
    with pytest.raises(TooLarge, match="65,537 bytes"):
        read_webhook_event(JSON, fitting + b" ")


@pytest.mark.parametrize(
    ("types", "event_type", "taken"),
    [
        ((), "", True),
        (("order.*",), "order.paid", True),
        (("order.*",), "", False),
        (("order.*", "!order.draft"), "order.draft", False),
        (("!order.*",), "user.new", True),
    ],
    ids=range(5),
)
def test_types_are_patterns(types: tuple[str, ...], event_type: str, taken: bool) -> None:
    assert WebhookTrigger("shop", types).takes_type(event_type) is taken


def test_triggers_are_stored_as_they_are() -> None:
    on: dict[str, Any] = {
        "webhook": [{"source": "shop", "types": ["a"], "parameters": {"p": 1}}, {"source": "b", "parameters": {}}]
    }
    assert to_json(from_json(on)) == on
