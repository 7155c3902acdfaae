"""What the outputs of an assignment tell the gateway and ask of it: as many of them as possible in each request."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Callable, Protocol

from ..shared.termination import Termination

#: Outputs that one request speaks of; the schema allows 32.
MOST_TOGETHER = 25
#: How often to look whether the assignment has ended or a pause is over, when no output says anything (seconds).
_LOOK_EVERY = 0.2

Requests = Mapping[str, dict[str, Any]]
#: Requests by output → the gateway's answers to them.
Call = Callable[[Requests], Requests]


class CreditedOutput(Protocol):
    """One output, as ``UploadCredits`` sees it."""

    name: str
    fully_reported: bool

    def next_request(self) -> dict[str, Any] | None:
        """What it has to tell or to ask now, if anything."""

    def accept_answer(self, request: dict[str, Any], answer: dict[str, Any]) -> None:
        """The answer to a request, which the gateway has thus heard."""


class UploadCredits:
    """``call`` may be asked for the outputs of any request together; ``changed`` is called by an output with news."""

    def __init__(self, call: Call, termination: Termination) -> None:
        self._call, self._termination = call, termination
        self._news = threading.Event()

    def changed(self) -> None:
        self._news.set()

    def serve(self, outputs: Sequence[CreditedOutput]) -> None:
        """Speak for the outputs until the gateway knows of all of each. Raises GatewayError, Stopped."""
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
