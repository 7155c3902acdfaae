"""All webhooks that GitHub publishes as examples (npm @octokit/webhooks-examples): taken or ignored, as they mean."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from cadence.application.access.ports import Cipher
from cadence.application.triggers.ports import Delivery, WebhookKey
from cadence.application.triggers.receive_webhook import Received, ReceiveWebhook
from cadence.domain.triggers.comment_commands import CheckCommand
from cadence.domain.triggers.git_events import PullRequest, Push, Release
from cadence.domain.triggers.githost import GitHostKind
from cadence.domain.triggers.githosts import FORMATS
from cadence.domain.triggers.githosts.github import signature_of
from cadence.domain.triggers.triggers import PullRequestType
from tests.fakes.services import ManualClock

INDEX = (
    Path(os.environ.get("CADENCE_PEERS", "~/.cache/cadence-peers")).expanduser()
    / "octokit-webhooks-examples-7.6.1"
    / "index.json"
)
pytestmark = pytest.mark.skipif(not INDEX.exists(), reason="GitHub's examples are not here (.ci/descriptions)")

GITHUB = FORMATS[GitHostKind.GITHUB]
SECRET = b"a secret of the webhook"
TYPES = {
    "opened": PullRequestType.OPENED,
    "reopened": PullRequestType.REOPENED,
    "synchronize": PullRequestType.UPDATED,
    "labeled": PullRequestType.LABELLED,
    "unlabeled": PullRequestType.UNLABELLED,
    "closed": PullRequestType.CLOSED,
}
"""The actions of pull requests that can start runs."""


class Plain(Cipher):
    """Leaves secrets as they are."""

    def encrypt(self, value: bytes, context: Mapping[str, str]) -> bytes:
        return value

    def decrypt(self, value: bytes, context: Mapping[str, str]) -> bytes:
        return value


class OneHook:
    """Has the key of one webhook, and collects what is queued for it."""

    def __init__(self) -> None:
        self.queued: list[Delivery] = []

    def find(self, hook_id: str) -> WebhookKey | None:
        return WebhookKey(kind=GitHostKind.GITHUB, encrypted_secret=SECRET, context={})

    def put(self, delivery: Delivery) -> None:
        self.queued.append(delivery)


def examples() -> Iterator[tuple[str, dict[str, Any]]]:
    for event in json.loads(INDEX.read_text()) if INDEX.exists() else ():
        for payload in event["examples"]:
            yield event["name"], payload


def means_something(event: str, payload: Mapping[str, Any]) -> bool:
    """Whether Cadence acts on it, by GitHub's own description of its events."""
    action = payload.get("action")
    match event:
        case "push":
            return True
        case "pull_request":
            return action in TYPES
        case "release":
            return action == "published"
        case "check_run" | "check_suite":
            return action == "rerequested"
    return False


def test_each_example_is_taken_or_ignored_by_what_it_means() -> None:
    hook = OneHook()
    receive = ReceiveWebhook(hook, Plain(), hook, ManualClock())
    found: dict[Received, int] = dict.fromkeys(Received, 0)
    for number, (event, payload) in enumerate(examples()):
        body = json.dumps(payload).encode()
        headers = {
            "x-github-event": event,
            "x-github-delivery": str(number),
            "x-hub-signature-256": signature_of(body, SECRET),
            "content-type": "application/json",
        }
        received = receive.receive("github", "hook", headers, body)
        expected = Received.QUEUED if means_something(event, payload) else Received.IGNORED
        assert received is (Received.PONG if event == "ping" else expected), (event, payload.get("action"))
        found[received] += 1

    assert found == {Received.PONG: 4, Received.QUEUED: 27, Received.IGNORED: 298}
    assert len(hook.queued) == found[Received.QUEUED]


def test_each_example_says_what_its_payload_says() -> None:
    kinds = set()
    for event, payload in examples():
        if not means_something(event, payload):
            continue
        if event in GITHUB.commands:
            command = GITHUB.command(payload)
            assert isinstance(command, CheckCommand) and not command.failed_only
            assert command.commit == payload[event]["head_sha"]
            assert (command.repository, command.sender) == (
                payload["repository"]["full_name"], payload["sender"]["login"]
            )  # fmt: skip
            continue
        (read,) = GITHUB.read(event, payload)
        kinds.add(type(read))
        if isinstance(read, Push):
            assert (read.ref, read.repository) == (payload["ref"], payload["repository"]["full_name"])
            assert read.deleted is payload["deleted"]
            assert read.commit == (payload["head_commit"] or {"id": payload["after"]})["id"]
        elif isinstance(read, PullRequest):
            pull = payload["pull_request"]
            assert (read.type, read.number, read.commit) == (
                TYPES[payload["action"]], payload["number"], pull["head"]["sha"]
            )  # fmt: skip
            assert (read.base_ref, read.fork) == (f"refs/heads/{pull['base']['ref']}", False)
            assert read.labels == tuple(label["name"] for label in pull["labels"])
            if payload["action"] in ("labeled", "unlabeled"):
                assert read.changed_labels == ((payload["label"]["name"],) if "label" in payload else ())
        elif isinstance(read, Release):
            assert read.tag == payload["release"]["tag_name"]
    assert kinds == {Push, PullRequest, Release}
