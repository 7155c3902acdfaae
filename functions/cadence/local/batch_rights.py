"""Rights to batches, for MiniStack.

In AWS whoever may send, delete or hide one message of a queue may do so with several in one call; MiniStack asks for rights
that AWS does not know, such as `sqs:SendMessageBatch`.
"""

from typing import Any

from ministack.core import iam_actions

_extract = iam_actions.extract_iam_action
_BATCH = "Batch"


def install() -> None:
    """Let MiniStack ask for the right to the single call."""
    iam_actions.extract_iam_action = extract


def extract(*request: Any) -> str | None:
    """The right that a request needs."""
    action: str | None = _extract(*request)
    return action.removesuffix(_BATCH) if action is not None and action.startswith("sqs:") else action
