"""Combines what the outputs of an assignment report and ask for into as few requests to the gateway as possible."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Callable, Protocol

from ..shared.termination import Termination
from .chunks import ChunkBuffer

#: Uploaded chunks in one report.
MOST_COMMITTED = 64
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


class UploadedChunks:
    """Uploaded chunks of one output that the gateway does not know yet: they are reported in order, without a gap."""

    def __init__(self) -> None:
        self._chunks: dict[int, dict[str, Any]] = {}
        self._reported = 0

    def __len__(self) -> int:
        return len(self._chunks)

    def add(self, chunk: ChunkBuffer) -> None:
        self._chunks[chunk.seq] = {"seq": chunk.seq, "size": chunk.size, "sha256": chunk.sha256}

    def next(self) -> list[dict[str, Any]]:
        """Returns what can be reported now; uploads end in any order."""
        reports: list[dict[str, Any]] = []
        while len(reports) < MOST_COMMITTED and self._reported + len(reports) in self._chunks:
            reports.append(self._chunks[self._reported + len(reports)])
        return reports

    def remove(self, reports: Sequence[dict[str, Any]]) -> None:
        """Removes chunks that the gateway knows now."""
        for report in reports:
            self._chunks.pop(report["seq"], None)
        self._reported += len(reports)


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
