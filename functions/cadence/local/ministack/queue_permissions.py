"""The right to do something to a queue is the right to do several of it at once, as in AWS, where batches have no action of their own."""

from typing import Any

from ministack.core import iam_actions

_BATCH = "Batch"


def install() -> None:
    """MiniStack looks the function up for each request that it allows or refuses."""
    original = iam_actions.extract_iam_action

    def extract_iam_action(service: str, *request: Any, **more: Any) -> str | None:
        action: str | None = original(service, *request, **more)
        if action is not None and action.startswith("sqs:"):
            return action.removesuffix(_BATCH)
        return action

    iam_actions.extract_iam_action = extract_iam_action
