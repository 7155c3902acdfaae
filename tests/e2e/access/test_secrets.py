"""A secret that its treatment prints in every way is found nowhere afterwards."""

import base64
import json
import os
import secrets
import urllib.parse
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.account import Account
from tests.e2e.api import Api
from tests.e2e.conftest import Stack
from tests.stored_text import readable

pytestmark = pytest.mark.slow

# New each time: these very lines are in the repository that another test's run fetches.
PLAIN = f'pa$$w0rd/with+"quotes"&{secrets.token_hex(4)}'
LINES = f"-----BEGIN KEY-----\n{secrets.token_urlsafe(16)}\n{secrets.token_urlsafe(16)}\n-----END KEY-----"
PRINT = """
python3 - <<'END'
import base64, json, os, sys, urllib.parse
for name in ("PLAIN", "LINES"):
    secret = os.environ[name]
    print("plain", secret)
    print("base64", base64.b64encode(secret.encode()).decode())
    print("shifted", base64.b64encode(b"x" + secret.encode()).decode(), base64.b64encode(b"xy" + secret.encode()).decode())
    print("url", urllib.parse.quote(secret), urllib.parse.quote_plus(secret), urllib.parse.quote(secret, safe=""))
    print("json", json.dumps({"secret": secret}))
    print("error", secret, file=sys.stderr)
sys.exit("failed with " + os.environ["PLAIN"])
END
"""


def test_a_printed_secret_appears_nowhere(api: Api, stack: Stack) -> None:
    began = datetime.now(UTC)
    for name, value in (("e2e-plain", PLAIN), ("e2e-lines", LINES)):
        response = api.call("PUT", f"/v1/projects/default/secrets/{name}", json={"value": value})
        assert response.ok, response.text
    run_id = api.start(
        {
            "cadence": 1,
            "name": "leaky",
            "treatments": {"leak": {"run": PRINT, "secrets": {"PLAIN": "e2e-plain", "LINES": "e2e-lines"}}},
        }
    )
    run = api.finished(run_id)

    assert run["state"] == "failed"
    lines = api.lines(run_id)
    assert any("***" in line["text"] for line in lines), "nothing was masked: did the treatment print at all?"
    needles = list(forms(PLAIN)) + list(forms(LINES))
    for where, content in everything(api, stack, run_id, began):
        found = [needle for needle in needles if needle in content]
        assert not found, f"{where} holds {found[0][:6]!r}…"


def forms(secret: str) -> Iterator[str]:
    yield secret
    yield base64.b64encode(secret.encode()).decode()
    for shift in (b"x", b"xy"):
        # The first and last characters of a shifted encoding depend on the neighbours.
        yield base64.b64encode(shift + secret.encode()).decode()[4:-4]
    yield urllib.parse.quote(secret)
    yield urllib.parse.quote(secret, safe="")
    yield urllib.parse.quote_plus(secret)
    yield json.dumps(secret)[1:-1]
    yield from (line for line in secret.splitlines() if len(line) > 8 and "-----" not in line)


def everything(api: Api, stack: Stack, run_id: str, began: datetime) -> Iterator[tuple[str, str]]:
    """What there is, without what has not changed since `began`: it is older than the secret."""
    yield "the run", json.dumps(api.run(run_id))
    yield "the treatment", json.dumps(api.get(f"/v1/runs/{run_id}/treatments/leak"))
    yield "the log", json.dumps(api.lines(run_id), ensure_ascii=False)
    yield "the secrets", api.call("GET", "/v1/projects/default/secrets").text
    root = Account(stack).root
    yield from tables(root("dynamodb"))
    yield from histories(root("stepfunctions"), began)
    yield from service_logs(root("logs"), began)
    yield from files(stack.folder, began)


def tables(dynamodb: Any) -> Iterator[tuple[str, str]]:
    for table in dynamodb.list_tables()["TableNames"]:
        for page in dynamodb.get_paginator("scan").paginate(TableName=table):
            for item in page["Items"]:
                yield f"table {table}", json.dumps(item, default=lambda raw: raw.decode("latin-1"), ensure_ascii=False)


def histories(machines: Any, began: datetime) -> Iterator[tuple[str, str]]:
    for machine in machines.list_state_machines()["stateMachines"]:
        for execution in machines.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]:
            if execution.get("stopDate", began) < began:
                continue
            history = machines.get_execution_history(executionArn=execution["executionArn"], includeExecutionData=True)
            yield f"history of {execution['name']}", json.dumps(history, default=str, ensure_ascii=False)


def service_logs(logs: Any, began: datetime) -> Iterator[tuple[str, str]]:
    since = int(began.timestamp() * 1000)
    for group in logs.describe_log_groups()["logGroups"]:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"], startTime=since)
        for page in pages:
            for event in page["events"]:
                yield f"log group {group['logGroupName']}", event["message"]


def files(folder: Path, began: datetime) -> Iterator[tuple[str, str]]:
    """Those that have been made or written since; a Lambda's process that ends meanwhile takes its files along."""
    for path in (Path(where, name) for where, _, names in os.walk(folder) for name in names):
        with suppress(FileNotFoundError):
            if path.is_file() and path.stat().st_ctime >= began.timestamp() - 1:
                yield f"file {path.relative_to(folder)}", readable(path.read_bytes()).decode("utf-8", errors="replace")
