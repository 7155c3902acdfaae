"""Lets a permission on a queue cover its batch actions, for MiniStack: in AWS batches have no actions of their own."""

from typing import Any

from ministack.core import iam_actions

_BATCH = "Batch"


def install() -> None:
    """Replaces the function that names the action of a request."""
    original = iam_actions.extract_iam_action

    def extract_iam_action(service: str, *request: Any, **more: Any) -> str | None:
        action: str | None = original(service, *request, **more)
        if action is not None and action.startswith("sqs:"):
            return action.removesuffix(_BATCH)
        return action

    iam_actions.extract_iam_action = extract_iam_action
