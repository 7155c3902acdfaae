"""What the webhooks of each kind of git host say: golden events in tests/events."""

import hashlib
import hmac
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadence.domain.shared.errors import InvalidRequest
from cadence.domain.triggers.git_events import from_fork
from cadence.domain.triggers.githost import GitHostKind
from cadence.domain.triggers.githosts import FORMATS
from cadence.domain.triggers.triggers import GitTrigger, Triggers

EVENTS = {file.stem: json.loads(file.read_text()) for file in (Path(__file__).parents[2] / "events").glob("*.json")}
SECRET = b"a secret of the webhook \xc3\xa9"
ALL = Triggers(push=GitTrigger(), pull_request=GitTrigger(), release=GitTrigger())


def signature(kind: str, body: bytes, secret: bytes) -> dict[str, str]:
    digest = hmac.new(secret, body, hashlib.sha256).hexdigest()
    return {
        "github": {"x-hub-signature-256": f"sha256={digest}"},
        "gitea": {"x-gitea-signature": digest},
        "bitbucket": {"x-hub-signature": f"sha256={digest}"},
        "gitlab": {"x-gitlab-token": secret.decode()},
    }[kind]


def test_every_kind_of_git_host_has_golden_events():
    assert {event["kind"] for event in EVENTS.values()} == set(FORMATS) == set(GitHostKind)


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_what_an_event_says(name):
    golden = EVENTS[name]
    its = FORMATS[GitHostKind(golden["kind"])]

    assert golden["headers"][its.event_header] == golden["event"]
    assert golden["event"] in its.acted_on
    assert its.delivery(golden["headers"])
    read = its.read(golden["event"], golden["payload"])

    assert [event.event() for event in read] == [expected["event"] for expected in golden["expected"]]
    for event, expected in zip(read, golden["expected"], strict=True):
        assert (sorted(event.paths) if event.paths is not None else None) == expected["paths"]
        assert (event.trigger(ALL) is not None) is expected.get("starts", True)
        assert from_fork(event.event()) is ("fork" in name)


@pytest.mark.parametrize("kind", list(GitHostKind))
def test_only_the_secret_signs(kind):
    body = b'{"a": 1}'
    right = signature(kind, body, SECRET)
    signed = FORMATS[kind].signed

    assert signed(right, body, SECRET)
    assert not signed(right, body, b"another")
    assert not signed(signature(kind, body, b"another"), body, SECRET)
    assert not signed(dict.fromkeys(right, "é"), body, SECRET)
    assert not signed({}, body, SECRET)
    if kind != GitHostKind.GITLAB:
        assert not signed(right, body + b" ", SECRET)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)


@given(st.data())
def test_nothing_in_a_payload_can_be_relied_on(data):
    """Any part replaced by anything: it is read or refused, and never worse."""
    golden = EVENTS[data.draw(st.sampled_from(sorted(EVENTS)))]
    payload = json.loads(json.dumps(golden["payload"]))
    place: Any = payload
    while True:
        key = data.draw(st.sampled_from(sorted(place))) if isinstance(place, dict) else 0
        inner = place[key]
        if not inner or not isinstance(inner, dict | list) or data.draw(st.booleans()):
            break
        place = inner
    place[key] = data.draw(JSON)

    its = FORMATS[GitHostKind(golden["kind"])]
    with suppress(InvalidRequest):
        for event in its.read(golden["event"], payload):
            event.trigger(ALL)
            event.comparison()
            json.dumps(event.event())
