"""What the outputs of an assignment tell the gateway and ask of it: as many of them as possible in each request."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Callable, Protocol

from ..shared.termination import Ending

#: Outputs that one request speaks of; the schema allows 32.
MOST_TOGETHER = 25
#: How often to look whether the assignment has ended or a pause is over, when no output says anything (seconds).
_LOOK_EVERY = 0.2

Requests = Mapping[str, dict[str, Any]]
#: Requests by output → the gateway's answers to them.
Call = Callable[[Requests], Requests]


class Asking(Protocol):
    """One output, as ``Credits`` sees it."""

    name: str
    told_all: bool

    def next_request(self) -> dict[str, Any] | None:
        """What it has to tell or to ask now, if anything."""

    def heard(self, request: dict[str, Any], answer: dict[str, Any]) -> None:
        """The answer to a request, which the gateway has thus heard."""


class Credits:
    """``call`` may be asked for the outputs of any request together; ``changed`` is called by an output with news."""

    def __init__(self, call: Call, ending: Ending) -> None:
        self._call, self._ending = call, ending
        self._news = threading.Event()

    def changed(self) -> None:
        self._news.set()

    def keep(self, outputs: Sequence[Asking]) -> None:
        """Speak for the outputs until the gateway knows of all of each. Raises GatewayError, Stopped."""
        while outputs := [output for output in outputs if not output.told_all]:
            self._ending.check()
            self._news.clear()
            asking = self._asking(outputs)
            if not asking:
                self._news.wait(_LOOK_EVERY)
                continue
            answers = self._call({output.name: request for output, request in asking})
            for output, request in asking:
                output.heard(request, answers[output.name])

    @staticmethod
    def _asking(outputs: Sequence[Asking]) -> list[tuple[Asking, dict[str, Any]]]:
        asking = []
        for output in outputs:
            request = output.next_request()
            if request is not None:
                asking.append((output, request))
                if len(asking) == MOST_TOGETHER:
                    break
        return asking
