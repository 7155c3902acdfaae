"""Describes an unexpected error for the log: where it arose and what AWS refused, never what the error quotes.

An error's own text may hold a secret or a request's body; a refusal's text names the action and the resource only.
"""

import logging
import traceback
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

_FRAMES = 15
# Raised by Python itself, about names in the program: their text is safe to log.
_TELLING = (AttributeError, ImportError, NameError, TypeError)


def log_fault(logger: logging.Logger, message: str, error: BaseException, **fields: Any) -> None:
    """Writes a line at level ERROR about an error that is being handled."""
    logger.error(message, extra={**fields, **report(error)})


def report(error: BaseException) -> dict[str, Any]:
    """Returns fields for a log line: the classes from the error to its first cause, the last calls, AWS's operation and
    code.
    """
    chain = list(_causes(error))
    root = chain[-1]
    fields: dict[str, Any] = {
        "error": [f"{type(each).__module__}.{type(each).__qualname__}" for each in chain],
        "calls": [
            f"{frame.filename}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(root.__traceback__)[-_FRAMES:]
        ],
    }
    if isinstance(root, _TELLING):
        fields["words"] = str(root)
    for each in chain:
        if isinstance(each, ClientError):
            refusal = each.response.get("Error", {})
            fields |= {"aws_operation": each.operation_name, "aws_code": refusal.get("Code", "")}
            if str(refusal.get("Code", "")).startswith("AccessDenied"):
                fields["words"] = refusal.get("Message", "")
    return fields


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Returns the error, what it was raised from, and so on. pynamodb keeps the error it wraps in `cause`."""
    visited: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in visited:
        visited.add(id(current))
        yield current
        wrapped = getattr(current, "cause", None)
        hidden = None if current.__suppress_context__ else current.__context__
        current = wrapped if isinstance(wrapped, BaseException) else current.__cause__ or hidden
