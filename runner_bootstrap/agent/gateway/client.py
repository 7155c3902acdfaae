"""The client of the runner gateway: JSON over HTTP, with retries. No message holds a token."""

from __future__ import annotations

import json
import time
import urllib.parse
from typing import Any, Callable, Union

from .. import VERSION
from ..shared.clock import Deadline
from ..shared.errors import GatewayUnreachable, LeaseLost, RequestRefused
from .connections import TRANSPORT_ERRORS, HttpConnections
from .retry import describe, full_jitter, retry_after

Json = dict[str, Any]
#: The body of a request, or what makes it.
Request = Union[Json, Callable[[], Json]]
REQUEST_TIMEOUT = 30.0


class GatewayClient:
    """Authenticates with one token (join, host, one-time or session token)."""

    def __init__(self, url: str, token: str, connections: HttpConnections | None = None) -> None:
        self.url = url
        self._base = url.rstrip("/") + "/runner/v1/"
        self._connections = connections or HttpConnections(REQUEST_TIMEOUT)
        self._authorization = f"Bearer {token}"

    def with_token(self, token: str) -> GatewayClient:
        """Returns a client of the same gateway and connections that uses another token."""
        return GatewayClient(self.url, token, self._connections)

    def call(
        self,
        path: str,
        body: Request,
        patience: float = float("inf"),
        timeout: float = REQUEST_TIMEOUT,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Json:
        """Sends ``body`` by POST; repeats on transport errors, 5xx and 429 for ``patience`` seconds.

        A ``body`` that can be called is made anew for each attempt.
        Raises LeaseLost (410), RequestRefused (any other 4xx), GatewayUnreachable (``patience`` is over) and whatever
        ``sleep`` raises.
        """
        deadline = Deadline(patience)
        attempt = 0
        while True:
            pause = full_jitter(attempt)
            sent = body() if callable(body) else body
            content = json.dumps(sent, separators=(",", ":")).encode("utf-8", "surrogatepass")
            try:
                status, answer, asked_pause = self._post(path, content, timeout)
            except TRANSPORT_ERRORS as error:
                problem = f"the gateway cannot be reached: {describe(error)}"
            else:
                if 200 <= status < 300:
                    return answer
                problem = f"the gateway answered {status}{_detail(answer)}"
                if status == 410:
                    raise LeaseLost(status, problem, answer.get("details"))
                if status != 429 and status < 500:
                    raise RequestRefused(status, problem, answer.get("details"))
                pause = max(pause, asked_pause)
            attempt += 1
            if pause >= deadline.seconds_left:
                raise GatewayUnreachable(problem)
            sleep(pause)

    def runner(self, runner_id: str, what: str) -> str:
        """Returns the path of a runner's own resource."""
        return f"runners/{urllib.parse.quote(runner_id, safe='')}/{what}"

    def _post(self, path: str, content: bytes, timeout: float) -> tuple[int, Json, float]:
        headers = {
            "Authorization": self._authorization,
            "Content-Type": "application/json",
            "Accept": "application/json",
            "User-Agent": f"cadence-agent/{VERSION}",
        }
        response = self._connections.request("POST", self._base + path, headers, content, timeout)
        text = response.read()
        try:
            answer = json.loads(text) if text else {}
        except ValueError:
            answer = {}
        return response.status, answer if isinstance(answer, dict) else {}, retry_after(response)


def _detail(answer: Json) -> str:
    detail = answer.get("detail") or answer.get("title") or answer.get("message")
    return f": {detail}" if isinstance(detail, str) else ""
