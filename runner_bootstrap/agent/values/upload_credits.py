"""Combines what the outputs of an assignment report and ask for into as few requests to the gateway as possible."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Callable, Protocol

from ..shared.termination import Termination

#: Most outputs in one request; the schema allows 32.
MOST_TOGETHER = 25
#: Seconds between checks whether the assignment has terminated or a pause is over, while no output changes.
_LOOK_EVERY = 0.2

Requests = Mapping[str, dict[str, Any]]
#: Requests by output → the gateway's answers to them.
Call = Callable[[Requests], Requests]


class CreditedOutput(Protocol):
    """One output, as ``UploadCredits`` uses it."""

    name: str
    fully_reported: bool

    def next_request(self) -> dict[str, Any] | None:
        """Returns what the output has to report or to ask for now, if anything."""

    def accept_answer(self, request: dict[str, Any], answer: dict[str, Any]) -> None:
        """Takes the gateway's answer to a request."""


class UploadCredits:
    """Sends the requests of several outputs together with ``call``; an output calls ``changed`` when it has news."""

    def __init__(self, call: Call, termination: Termination) -> None:
        self._call, self._termination = call, termination
        self._news = threading.Event()

    def changed(self) -> None:
        self._news.set()

    def serve(self, outputs: Sequence[CreditedOutput]) -> None:
        """Sends requests until the gateway knows the end of every output. Raises GatewayError, Stopped."""
        while outputs := [output for output in outputs if not output.fully_reported]:
            self._termination.check()
            self._news.clear()
            pending = self._pending(outputs)
            if not pending:
                self._news.wait(_LOOK_EVERY)
                continue
            answers = self._call({output.name: request for output, request in pending})
            for output, request in pending:
                output.accept_answer(request, answers[output.name])

    @staticmethod
    def _pending(outputs: Sequence[CreditedOutput]) -> list[tuple[CreditedOutput, dict[str, Any]]]:
        pending = []
        for output in outputs:
            request = output.next_request()
            if request is not None:
                pending.append((output, request))
                if len(pending) == MOST_TOGETHER:
                    break
        return pending
