"""Records every AWS call that reaches a counting MiniStack, with the invocation that made it.

Each process of a Lambda runs one invocation at a time and sends an application id of its own in its user agent, which
tells the invocation that a call belongs to.
"""

import json
import re
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote

from ministack.core import lambda_runtime

from cadence.local.ministack.lambda_processes import KeptProcess

CALLS_PATH = "/_bench/calls"
AGENT = "agent"
"""The caller of requests whose address is signed: what agents send to S3 and SQS."""

_APPLICATION = re.compile(r"app/(process-\d+)")
_SIGNED_AS = re.compile(r"Credential=[^/]+/\d{8}/[^/]+/([a-z0-9-]+)/aws4_request")
_RUNNER_REQUEST = re.compile(r"/runner/v1/(?:runners/[^/]+/|hosts/[^/]+/)?([a-z]+(?:/[a-z]+)?)")
_MOST_KEYS = 12


class CallLog:
    """Calls in the order in which they arrive. Invocations are noted by threads, calls by the server's loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: list[dict[str, Any]] = []
        self._under_way: dict[str, str] = {}

    def begin(self, process: str, caller: str) -> None:
        """Notes what a process works on from now on."""
        self._under_way[process] = caller

    def caller(self, headers: Mapping[str, str], query: str) -> str:
        """Returns the invocation that makes a request, `agent`, or an empty string for anybody else."""
        if "X-Amz-Signature" in query:
            return AGENT
        application = _APPLICATION.search(headers.get("user-agent", ""))
        return self._under_way.get(application.group(1), "") if application else ""

    def add(self, caller: str, service: str, action: str, what: str = "", units: float = 0.0) -> None:
        """Adds a call; `what` are the keys or names that it is about, `units` the DynamoDB units it consumed."""
        call = {"caller": caller, "service": service, "action": action, "what": what, "units": units}
        with self._lock:
            self._calls.append(call)

    def as_json(self, after: int) -> bytes:
        """Returns the calls after the first `after` ones."""
        with self._lock:
            return json.dumps(self._calls[after:]).encode()


def after_in(query: bytes) -> int:
    """Returns the parameter `after` of a query string, 0 without it."""
    return int(parse_qs(query.decode("ascii")).get("after", ["0"])[0])


def signed_service(headers: Mapping[str, str], query: str) -> str:
    """Returns the service that a request is signed for, empty if it is not signed."""
    found = _SIGNED_AS.search(headers.get("authorization", "") or "Credential=" + _credential(query))
    return found.group(1) if found else ""


def action_of(service: str, headers: Mapping[str, str], method: str, path: str) -> str:
    """Returns the operation's name, or the method where AWS has the operation in the address."""
    named = headers.get("x-amz-target", "").rpartition(".")[2]
    if named:
        return named
    return "Invoke" if service == "lambda" and path.endswith("/invocations") else method


def subject(service: str, path: str, request: Mapping[str, Any]) -> str:
    """Returns what a call is about: partition and sort keys, a queue and its message, an object's kind."""
    if service == "dynamodb":
        return " + ".join(_keys(request)[:_MOST_KEYS])
    if service == "sqs":
        return f"{str(request.get('QueueUrl', '')).rpartition('/')[2]} {request.get('MessageBody', '')}".rstrip()
    if service == "s3":
        return unquote(path).strip("/").partition("/")[2].partition("/")[0]
    return path.rpartition("/functions/")[2].partition("/")[0] if service == "lambda" else ""


def invoked(folder: str, event: Any) -> str:
    """Returns the Lambda and, where it has several tasks, which of them an event asks for."""
    if not isinstance(event, dict):
        return folder
    if match := _RUNNER_REQUEST.match(str(event.get("rawPath", ""))):
        path = match.group(1)
        return f"{folder} {path.partition('/')[0] if path.startswith(('inputs', 'outputs')) else path}"
    if event.get("operation"):
        return f"{folder} {event['operation']}"
    records = event.get("Records", [])
    if records and folder == "watchdog":
        return f"{folder} {' '.join(sorted(json.loads(records[0]['body'])))}"
    return folder


def install(log: CallLog) -> None:
    """Gives each process a name of its own, and notes what it works on."""
    credentials, spawn, invoke = lambda_runtime.execution_credentials, KeptProcess._spawn, KeptProcess.invoke  # noqa: SLF001 (there is no public way)
    spawning = threading.local()

    def named(config: Any) -> dict[str, str]:
        return {**credentials(config), "AWS_SDK_UA_APP_ID": spawning.name}

    def spawned(process: Any, *arguments: Any, **options: Any) -> Any:
        spawning.name = _name(process)
        return spawn(process, *arguments, **options)

    def noted(process: Any, event: Any, *arguments: Any, **options: Any) -> Any:
        caller = invoked(process.config["Handler"].partition(".")[0], event)
        log.begin(_name(process), caller)
        log.add(caller, "invocation", "")
        return invoke(process, event, *arguments, **options)

    lambda_runtime.execution_credentials = named
    KeptProcess._spawn, KeptProcess.invoke = spawned, noted  # type: ignore[assignment, method-assign]  # noqa: SLF001 (as above)


def _name(process: Any) -> str:
    return f"process-{id(process)}"


def _credential(query: str) -> str:
    return parse_qs(query).get("X-Amz-Credential", [""])[0]


def _keys(request: Mapping[str, Any]) -> list[str]:
    """Returns the keys in a DynamoDB request, each `pk sk`, of a query its key condition's values."""
    if "TransactItems" in request:
        return [key for item in request["TransactItems"] for one in item.values() for key in _keys(one)]
    if "RequestItems" in request:
        return [
            _pair(one.get("PutRequest", {}).get("Item") or one.get("DeleteRequest", {}).get("Key") or one)
            for asked in request["RequestItems"].values()
            for one in (asked["Keys"] if isinstance(asked, dict) else asked)
        ]
    if "KeyConditionExpression" in request:
        return [" ".join(value["S"] for value in request["ExpressionAttributeValues"].values() if "S" in value)]
    return [_pair(request.get("Key") or request.get("Item") or {})]


def _pair(key: Any) -> str:
    if not isinstance(key, dict):
        return ""
    return " ".join(key[name]["S"] for name in ("pk", "sk") if name in key)
