"""Keeps a Lambda's process after its handler raised, as AWS does, names errors as AWS does, and knows when an
invocation's output has ended.

MiniStack ends the process of a handler that raised, so that the next invocation imports everything anew. After each
invocation it waits 50 ms for lines that the handler may have printed, before it answers.
"""

import queue
import time
from contextvars import ContextVar
from typing import Any

from ministack.core import lambda_runtime

_END = "\x1eend of invocation"
"""What a process prints to its standard error after all that a handler printed there."""
_LONGEST_WAIT = 0.25
"""Seconds after which the output counts as complete, should the process have ended before it could say so."""

_CALL = "            result = handler_fn(event, context)\n"
_RAISED = '{"status": "error", "error": str(e), "trace": traceback.format_exc()}'

_CALL_THEN_END = f"""\
            try:
                result = handler_fn(event, context)
            finally:
                sys.stderr.write({f"{_END}{chr(10)}"!r})
                sys.stderr.flush()
"""
_RAISED_AND_STAYS = '{"status": "ok", "raised": type(e).__name__, "error": str(e), "trace": traceback.format_exc()}'

_TIMED_OUT = "Task timed out after "
"""How MiniStack's message on an invocation that took too long begins."""

failure: ContextVar[str | None] = ContextVar("failure", default=None)
"""The name that AWS gives to the error of the invocation in this thread; None unless it failed in its process."""


class KeptProcess(lambda_runtime.Worker):  # type: ignore[misc]
    """One process of a Lambda, which runs one invocation at a time."""

    def invoke(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        """Runs one invocation; the answer has the keys that MiniStack expects."""
        answer: dict[str, Any] = super().invoke(*arguments, **options)
        if raised := answer.pop("raised", None):
            answer["status"] = "error"
            failure.set(raised)
        elif answer["status"] == "error":
            failure.set("Sandbox.Timedout" if answer["error"].startswith(_TIMED_OUT) else "Runtime.ExitError")
        return answer

    def _drain_stderr_bounded(self, *_: float) -> str:
        lines: list[str] = []
        deadline = time.monotonic() + _LONGEST_WAIT
        while (seconds := deadline - time.monotonic()) > 0:
            try:
                line = self._stderr_queue.get(timeout=seconds)
            except queue.Empty:
                break
            text, end, _ = line.partition(_END)
            if text or not end:
                lines.append(text)
            if end:
                break
        return "\n".join(lines)


def install() -> None:
    """Lets MiniStack run Lambdas in this way."""
    runtime: Any = lambda_runtime
    runtime._PYTHON_WORKER_SCRIPT = script(runtime._PYTHON_WORKER_SCRIPT)  # noqa: SLF001 (no public way)
    runtime.Worker = KeptProcess


def script(original: str) -> str:
    """Returns MiniStack's script of a process with the two changes. Raises ValueError if it is not as it was."""
    for part in (_CALL, _RAISED):
        if original.count(part) != 1:
            raise ValueError(f"MiniStack's script of a Lambda's process has not exactly one {part.strip()!r}")
    return original.replace(_CALL, _CALL_THEN_END).replace(_RAISED, _RAISED_AND_STAYS)
