import json
import threading
from collections import deque
from collections.abc import Iterator
from typing import Any

import pytest

from cadence.local.ministack.lambda_concurrency import Dispatch, InvocationTurns, in_turn

API = {"FunctionName": "cadence-main-api"}
PLACE = {"FunctionName": "cadence-main-place"}


def request(path: str, **query: str) -> dict[str, Any]:
    """What API Gateway hands to a Lambda."""
    return {"rawPath": path, "queryStringParameters": query or None, "requestContext": {"http": {"path": path}}}


READ = request("/v1/runs")


class Slow:
    """A dispatch that goes on only when it is let, and knows which events are and were in it."""

    def __init__(self) -> None:
        self.let = threading.Semaphore(0)
        self.entered = threading.Semaphore(0)
        self.events: list[Any] = []
        self.inside = 0
        self.most = 0
        self.lock = threading.Lock()

    def __call__(self, function: dict[str, Any], config: dict[str, Any], event: Any) -> dict[str, Any]:
        with self.lock:
            self.events.append(event)
            self.inside += 1
            self.most = max(self.most, self.inside)
        self.entered.release()
        self.let.acquire()
        with self.lock:
            self.inside -= 1
        return {"event": event}


class Invocations:
    """Invocations of one dispatch, each on a thread of its own."""

    def __init__(self, dispatch: Dispatch) -> None:
        self.dispatch = dispatch
        self.answers: list[dict[str, Any]] = []
        self.threads: list[threading.Thread] = []

    def start(self, config: dict[str, Any], *events: Any) -> None:
        for event in events:
            thread = threading.Thread(target=self._invoke, args=(config, event))
            self.threads.append(thread)
            thread.start()

    def _invoke(self, config: dict[str, Any], event: Any) -> None:
        self.answers.append(self.dispatch({}, config, event))

    def join(self) -> None:
        for thread in self.threads:
            thread.join()


@pytest.fixture
def slow() -> Iterator[Slow]:
    slow = Slow()
    yield slow
    slow.let.release(100)


@pytest.mark.parametrize(("config", "events"), [(PLACE, [{"n": n} for n in range(5)]), (API, [READ] * 5)])
def test_only_so_many_invocations_of_a_function_run_at_a_time_and_all_are_answered(
    slow: Slow, config: dict[str, Any], events: list[Any]
) -> None:
    invocations = Invocations(in_turn(slow, 2, 2))
    invocations.start(config, *events)
    slow.entered.acquire()
    slow.entered.acquire()
    assert not slow.entered.acquire(timeout=0.1)
    slow.let.release(5)
    invocations.join()
    assert slow.most == 2
    assert len(invocations.answers) == 5
    assert all(answer["event"] in events for answer in invocations.answers)


class Queue(deque[threading.Event]):
    """Tells when somebody joins it."""

    def __init__(self) -> None:
        super().__init__()
        self.joined = threading.Semaphore(0)

    def append(self, given: threading.Event) -> None:
        super().append(given)
        self.joined.release()


def test_those_who_wait_have_their_turns_in_the_order_in_which_they_came() -> None:
    turns, queue, order = InvocationTurns(1), Queue(), list[int]()
    turns._waiting = queue

    def take(number: int) -> None:
        with turns.one() as taken:
            assert taken
            order.append(number)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(5)]
    with turns.one():
        for thread in threads:
            thread.start()
            queue.joined.acquire()
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2, 3, 4]


def test_requests_that_wait_for_news_keep_no_others_waiting(slow: Slow) -> None:
    invocations = Invocations(in_turn(slow, 1, 2))
    invocations.start(API, *[request("/v1/runs/a/logs", wait="2")] * 3)
    slow.entered.acquire()
    slow.entered.acquire()
    invocations.start(API, request("/v1/runs/a/logs", wait="0"))
    slow.entered.acquire()
    assert slow.inside == 3
    assert not slow.entered.acquire(timeout=0.1)
    slow.let.release(4)
    invocations.join()
    assert len(invocations.answers) == 4


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/v1/id-token-keys"])
def test_what_a_request_may_ask_of_this_stack_takes_no_turn(slow: Slow, path: str) -> None:
    invocations = Invocations(in_turn(slow, 1, 1))
    invocations.start(API, READ)
    slow.entered.acquire()
    invocations.start(API, request(path))
    slow.entered.acquire()
    slow.let.release(2)
    invocations.join()


def test_a_request_without_a_turn_is_refused_and_gives_no_turn_back(slow: Slow) -> None:
    dispatch = in_turn(slow, 1, 1, longest_wait=0.01)
    invocations = Invocations(dispatch)
    invocations.start(API, READ)
    slow.entered.acquire()
    for _ in range(2):
        refused = dispatch({}, API, READ)["body"]
        assert refused["statusCode"] == 503
        assert refused["headers"] == {"content-type": "application/problem+json"}
        problem = json.loads(refused["body"])
        assert (problem["status"], problem["code"]) == (503, "unavailable")
        assert problem["detail"] == (
            "The local stack is busy: the request waited 0.01 seconds for a process of the Lambda cadence-main-api. "
            "Try again later, or with fewer requests at a time."
        )
    slow.let.release(2)
    invocations.join()
    assert dispatch({}, API, READ) == {"event": READ}
    assert slow.most == 1


def test_an_event_waits_for_its_turn_however_long(slow: Slow) -> None:
    invocations = Invocations(in_turn(slow, 1, 1, longest_wait=0.0))
    invocations.start(PLACE, 1, 2)
    slow.let.release(2)
    invocations.join()
    assert sorted(answer["event"] for answer in invocations.answers) == [1, 2]


def test_a_function_that_raises_gives_its_turn_back() -> None:
    def fails(function: dict[str, Any], config: dict[str, Any], event: Any) -> dict[str, Any]:
        raise RuntimeError(config["FunctionName"])

    dispatch = in_turn(fails, 1, 1)
    for _ in range(3):
        with pytest.raises(RuntimeError, match="settle"):
            dispatch({}, {"FunctionName": "settle"}, {})
