"""The report of an assignment's outcome."""

from __future__ import annotations

from typing import Any, Optional

from ..execution.supervisor import CommandExit
from ..shared.clock import timestamp
from ..shared.termination import Termination

#: Characters of an error message that the schema allows.
LONGEST_ERROR = 8192


def completion(
    termination: Termination,
    exit_: Optional[CommandExit],
    *,
    started_at: str,
    error: str,
    logs_through: int,
    summary: str,
    steps: Optional[dict[str, Any]],
    image_digest: Optional[str],
    samples: list[dict[str, Any]],
    usage: dict[str, int],
) -> dict[str, Any]:
    """Returns the body of the request ``complete``; ``started_at`` is a timestamp of the protocol.

    ``error`` and ``summary`` are masked.
    """
    return {
        "outcome": termination.outcome,
        "exit_code": exit_.exit_code if exit_ else None,
        "signal": exit_.signal if exit_ else None,
        "error": error[:LONGEST_ERROR] or None,
        "started_at": started_at,
        "finished_at": timestamp(),
        "logs_through": logs_through,
        **({"image_digest": image_digest} if image_digest else {}),
        **({"samples": samples} if samples else {}),
        **({"summary": summary} if summary else {}),
        **({"steps": steps} if steps else {}),
        "usage": usage,
    }
