"""What the Lambdas of a local stack logged while a test ran, for the report of a test that failed."""

from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tests.e2e.account import Account

_PREFIX = "/aws/lambda/"
_QUIET = ("START ", "END ", "REPORT ", "INIT_START ")
_READS = '"message":"GET '  # tests look often
_LINES, _WIDTH = 60, 600


def logged_since(account: Account, began: float) -> str:
    """How often each Lambda was called since `began` (Unix seconds), and the last lines that they wrote themselves.

    A Lambda that was called more often than it answered still runs, or was ended.
    """
    try:
        events = _events(account.root("logs"), began)
    except (BotoCoreError, ClientError) as error:
        return f"The stack does not answer: {error}"
    calls, lines = [], []
    for name, of_lambda in events.items():
        texts = [str(event["message"]).rstrip() for event in of_lambda]
        begun, ended = (sum(text.startswith(word) for text in texts) for word in ("START ", "REPORT "))
        calls.append(f"{name}: {begun} calls" + (f", {begun - ended} unanswered" if begun != ended else ""))
        lines += [
            (event["timestamp"], f"{name}: {text[:_WIDTH]}")
            for event, text in zip(of_lambda, texts, strict=True)
            if text and not text.startswith(_QUIET) and _READS not in text
        ]
    written = [f"{datetime.fromtimestamp(at / 1000, UTC):%H:%M:%S} {text}" for at, text in sorted(lines)[-_LINES:]]
    return "\n".join([*calls, *written])


def _events(logs: Any, began: float) -> dict[str, list[dict[str, Any]]]:
    groups = [
        group["logGroupName"]
        for page in logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=_PREFIX)
        for group in page["logGroups"]
    ]
    found = {
        name: [
            event
            for page in logs.get_paginator("filter_log_events").paginate(logGroupName=name, startTime=int(began * 1000))
            for event in page["events"]
        ]
        for name in groups
    }
    return {name.removeprefix(f"{_PREFIX}cadence-main-"): events for name, events in found.items() if events}
