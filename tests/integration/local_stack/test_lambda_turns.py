import threading
from typing import Any

from cadence.local.ministack.lambda_concurrency import in_turn


class Slow:
    """A dispatch that goes on only when it is let, and knows how many are in it."""

    def __init__(self) -> None:
        self.let = threading.Semaphore(0)
        self.entered = threading.Semaphore(0)
        self.inside = 0
        self.most = 0
        self.lock = threading.Lock()

    def __call__(self, function: dict[str, Any], config: dict[str, Any], number: int) -> dict[str, Any]:
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        self.entered.release()
        self.let.acquire()
        with self.lock:
            self.inside -= 1
        return {"number": number}


def started(slow: Slow, name: str, count: int) -> tuple[list[threading.Thread], list[dict[str, Any]]]:
    """Threads that invoke the function at once, and where their answers come."""
    dispatch, answers = in_turn(slow, 2), list[dict[str, Any]]()

    def invoke(number: int) -> None:
        answers.append(dispatch({}, {"FunctionName": name}, number))

    threads = [threading.Thread(target=invoke, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    return threads, answers


def test_only_so_many_invocations_of_a_function_run_at_a_time_and_all_are_answered() -> None:
    slow = Slow()
    threads, answers = started(slow, "cadence-main-place", 5)
    slow.entered.acquire()
    slow.entered.acquire()
    assert not slow.entered.acquire(timeout=0.1)
    slow.let.release(5)
    for thread in threads:
        thread.join()
    assert slow.most == 2
    assert sorted(answer["number"] for answer in answers) == [0, 1, 2, 3, 4]


def test_calls_of_the_api_may_wait_for_one_another() -> None:
    slow = Slow()
    threads, answers = started(slow, "cadence-main-api", 5)
    for _ in range(5):
        slow.entered.acquire()
    slow.let.release(5)
    for thread in threads:
        thread.join()
    assert slow.most == len(answers) == 5


def test_a_function_that_raises_gives_its_turn_back() -> None:
    def fails(function: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
        raise RuntimeError(config["FunctionName"])

    dispatch = in_turn(fails, 1)
    for _ in range(3):
        try:
            dispatch({}, {"FunctionName": "settle"})
        except RuntimeError as error:
            assert str(error) == "settle"  # noqa: PT017 (what matters is that the next one is not kept waiting)
