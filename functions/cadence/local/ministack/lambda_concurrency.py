"""At most so many invocations of a Lambda at a time on one machine; further ones wait their turn.

MiniStack starts a process for each that is concurrent, as AWS does. A hundred treatments that become ready at once, or
a hundred requests, would start a hundred processes on a few processors, each of which takes longer to begin than the
work that it is for.

Nothing waits for a turn that it has itself. Lambdas that call one another and wait for the answer have turns of their
own, and none calls the API. What the API may call of itself, to read the keys of the tokens that it issued, takes no
turn. Requests that wait for news (long polls) have other turns than those that are answered at once.
"""

import json
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from ministack.services import lambda_svc

PER_PROCESSOR = 4
LONG_POLLS_PER_PROCESSOR = 16
"""Requests that wait for news take hardly any of a processor, but memory for their processes."""
LONGEST_WAIT = 30.0
"""Seconds after which a request without a turn is refused: API Gateway waits no longer for an answer."""

_OWN_KEYS = ("/.well-known/", "/v1/id-token-keys")

Dispatch = Callable[..., dict[str, Any]]


class InvocationTurns:
    """So many turns; those who wait for one get it in the order in which they came."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: deque[threading.Event] = deque()
        self._changing = threading.Lock()

    @contextmanager
    def one(self, longest_wait: float | None = None) -> Iterator[bool]:
        """Takes a turn for the time of a `with` statement; false if there was none within `longest_wait` seconds."""
        taken = self._take(longest_wait)
        try:
            yield taken
        finally:
            if taken:
                self._give_back()

    def _take(self, longest_wait: float | None) -> bool:
        with self._changing:
            if self._free:
                self._free -= 1
                return True
            given = threading.Event()
            self._waiting.append(given)
        if not given.wait(longest_wait):
            with self._changing:
                if not given.is_set():
                    self._waiting.remove(given)
                    return False
        return True

    def _give_back(self) -> None:
        with self._changing:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1


def install() -> None:
    """Lets MiniStack invoke in this way."""
    processors = os.cpu_count() or 1
    lambda_svc._execute_function_dispatch = in_turn(  # noqa: SLF001 (no public way)
        lambda_svc._execute_function_dispatch,  # noqa: SLF001
        PER_PROCESSOR * processors,
        LONG_POLLS_PER_PROCESSOR * processors,
    )


def in_turn(dispatch: Dispatch, at_once: int, long_polls: int, longest_wait: float = LONGEST_WAIT) -> Dispatch:
    """`dispatch(function, config, event, …)`, of which so many with the same function name run at a time.

    A request over HTTP that has no turn after `longest_wait` seconds is answered with status 503.
    """
    turns: dict[tuple[str, bool], InvocationTurns] = {}
    choosing = threading.Lock()

    def dispatch_in_turn(function: dict[str, Any], config: dict[str, Any], event: Any, *rest: Any) -> dict[str, Any]:
        request = _request(event)
        if str(request.get("rawPath", "")).startswith(_OWN_KEYS):
            return dispatch(function, config, event, *rest)
        name, polls = config.get("FunctionName", ""), _waits_for_news(request)
        with choosing:
            chosen = turns.setdefault((name, polls), InvocationTurns(long_polls if polls else at_once))
        with chosen.one(longest_wait if request else None) as taken:
            return dispatch(function, config, event, *rest) if taken else {"body": _busy(name, longest_wait)}

    return dispatch_in_turn


def _request(event: Any) -> Mapping[str, Any]:
    """The event, if it is a request of the HTTP API; else nothing."""
    of_http = isinstance(event, dict) and isinstance(event.get("requestContext"), dict)
    return event if of_http and "http" in event["requestContext"] else {}


def _waits_for_news(request: Mapping[str, Any]) -> bool:
    return str((request.get("queryStringParameters") or {}).get("wait", "0")) != "0"


def _busy(name: str, seconds: float) -> dict[str, Any]:
    detail = (
        f"The local stack is busy: the request waited {seconds:g} seconds for a process of the Lambda {name}. "
        "Try again later, or with fewer requests at a time."
    )
    problem = {
        "type": "urn:cadence:problem:unavailable",
        "title": "Unavailable",
        "status": HTTPStatus.SERVICE_UNAVAILABLE,
        "code": "unavailable",
        "detail": detail,
    }
    return {
        "statusCode": HTTPStatus.SERVICE_UNAVAILABLE,
        "headers": {"content-type": "application/problem+json"},
        "body": json.dumps(problem),
    }
