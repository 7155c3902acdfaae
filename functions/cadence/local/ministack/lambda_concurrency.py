"""At most so many invocations of a Lambda at a time on one machine; further ones wait their turn.

MiniStack starts a process for each that is concurrent, as AWS does. A hundred treatments that become ready at once
would
start a hundred processes on a few processors, each of which takes longer to begin than the work that it is for.
"""

import os
import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from ministack.services import lambda_svc

PER_PROCESSOR = 4
_WAITS_FOR_OTHERS = "-api"
"""What ends the name of the one Lambda whose calls may wait for others (long polls of followers): it is not bounded."""

Dispatch = Callable[..., dict[str, Any]]


def install() -> None:
    """Let MiniStack invoke in this way."""
    lambda_svc._execute_function_dispatch = in_turn(  # noqa: SLF001 (no public way)
        lambda_svc._execute_function_dispatch,  # noqa: SLF001
        PER_PROCESSOR * (os.cpu_count() or 1),
    )


def in_turn(dispatch: Dispatch, at_once: int) -> Dispatch:
    """`dispatch(function, config, …)`, of which at most `at_once` with the same function name run at a time."""
    turns: dict[str, threading.Semaphore] = defaultdict(lambda: threading.Semaphore(at_once))
    choosing = threading.Lock()

    def dispatch_in_turn(function: dict[str, Any], config: dict[str, Any], *rest: Any) -> dict[str, Any]:
        name = config.get("FunctionName", "")
        if name.endswith(_WAITS_FOR_OTHERS):
            return dispatch(function, config, *rest)
        with choosing:
            turn = turns[name]
        with turn:
            return dispatch(function, config, *rest)

    return dispatch_in_turn
