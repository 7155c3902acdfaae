"""AWS over real HTTP: moto answers, and what stands before it counts calls, plays troubles and adds what moto lacks.

What it adds, as EC2's and ECS's documents describe it: refused credentials, throttles, 5xx, answers that never come or
come too late, and for a service what its own double says (`tests/doubles/ec2.py`).
"""

import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders
from moto import mock_aws
from moto.core.models import botocore_stubber

from tests.fakes.answering import Asked, Reply, answering

_SCOPE = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request")
GOOD_KEY = "AKIAGOODKEYOFTHEPOOL"


@dataclass(frozen=True)
class Call:
    """One call of an AWS service: the action, and its parameters as they were sent."""

    service: str
    action: str
    region: str
    params: Mapping[str, Any]


@dataclass
class Aws:
    """`before` may answer a call instead of moto; `trouble` does so for all calls. `calls` counts actions."""

    before: list[Callable[[Call, Callable[[], Reply]], Reply | None]] = field(default_factory=list)
    trouble: Callable[[Call], Reply | None] | None = None
    loses: Callable[[Call], bool] | None = None
    calls: Counter[str] = field(default_factory=Counter)
    lock: threading.RLock = field(default_factory=threading.RLock)
    url: str = ""
    over: threading.Event = field(default_factory=threading.Event)

    def answer(self, asked: Asked) -> Reply:
        key, region, service = _scope(asked)
        call = _call(asked, service, region)
        self.calls[call.action] += 1
        refused = self.trouble(call) if self.trouble else None
        if refused is not None:
            return refused
        if key != GOOD_KEY:
            return error(call, 401, "AuthFailure", "AWS was not able to validate the provided access credentials")

        def forward() -> Reply:
            return _moto(asked, service, region)

        # moto is not made for several threads.
        with self.lock:
            reply = next((found for hook in self.before if (found := hook(call, forward)) is not None), None)
            reply = reply or forward()
        # A refusal has made nothing that could be lost sight of.
        if self.loses and reply.status < 400 and self.loses(call):
            self.loses = None
            return error(call, 503, "Unavailable", "The server is overloaded and can't handle the request.")
        return reply


@contextmanager
def aws() -> Iterator[Aws]:
    double = Aws()
    with mock_aws(), answering(double.answer) as double.url:
        try:
            yield double
        finally:
            double.over.set()


def error(call: Call, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Reply:
    """As EC2 (XML) or a service that speaks JSON says it."""
    if call.service == "ec2":
        body = (
            f"<Response><Errors><Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error></Errors>"
            "<RequestID>00000000-0000-0000-0000-000000000000</RequestID></Response>"
        )
        return Reply(status, body, {"content-type": "text/xml", **(headers or {})})
    return Reply(
        status,
        json.dumps({"__type": code, "message": message}),
        {"content-type": "application/x-amz-json-1.1", "x-amzn-errortype": code, **(headers or {})},
    )


def _scope(asked: Asked) -> tuple[str, str, str]:
    found = _SCOPE.search(asked.headers.get("authorization", ""))
    assert found, f"not signed: {asked.method} {asked.path}"
    return found[1], found[2], found[3]


def _call(asked: Asked, service: str, region: str) -> Call:
    target = asked.headers.get("x-amz-target")
    if target:
        return Call(service, target.rpartition(".")[2], region, json.loads(asked.raw or b"{}"))
    params = dict(parse_qsl(asked.raw.decode(), keep_blank_values=True))
    return Call(service, params.get("Action", asked.path), region, params)


def _moto(asked: Asked, service: str, region: str) -> Reply:
    host = {"service-quotas": "servicequotas"}.get(service, service)
    headers = HTTPHeaders()
    for name, value in asked.headers.items():
        if name not in {"host", "content-length"}:
            headers[name] = value
    url = f"https://{host}.{region}.amazonaws.com{asked.path}"
    answer = botocore_stubber.process_request(AWSPreparedRequest(asked.method, url, headers, asked.raw, False))
    assert answer, f"moto knows nothing of {url}"
    status, given, body = answer
    kept = {str(name).lower(): str(value) for name, value in given.items() if name.lower() != "content-length"}
    return Reply(status, body if isinstance(body, str) else body.decode(), kept)
