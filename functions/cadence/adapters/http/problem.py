"""Errors as RFC 9457 problem documents, for every HTTP Lambda."""

import functools
import json
import logging
import math
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cadence.adapters.lambda_runtime.fault_report import log_fault
from cadence.adapters.lambda_runtime.machine_boundary import as_known
from cadence.domain.shared.errors import (
    CadenceError,
    CannotRun,
    Conflict,
    Forbidden,
    Gone,
    InvalidRequest,
    NotFound,
    ProviderRejected,
    QuotaExceeded,
    TooLarge,
    Transient,
    Unauthenticated,
)

MEDIA_TYPE = "application/problem+json"

# Status and title of each kind of error. An error that is not listed here is an internal error: 500.
STATUSES: Mapping[type[CadenceError], tuple[int, str]] = {
    InvalidRequest: (422, "The request is not valid"),
    NotFound: (404, "Not found"),
    Conflict: (409, "The state has changed"),
    Gone: (410, "No longer held"),
    Unauthenticated: (401, "Not authenticated"),
    Forbidden: (403, "Not allowed"),
    QuotaExceeded: (429, "A limit is reached"),
    TooLarge: (413, "Too large"),
    Transient: (503, "Not possible right now"),
    ProviderRejected: (502, "The infrastructure refused"),
    CannotRun: (409, "The treatment cannot run"),
}

Response = dict[str, Any]
HttpHandler = Callable[[dict[str, Any], Any], Response]


@dataclass(frozen=True)
class Problem:
    """`body` has `type`, `title`, `status`, `code`, `detail`; `violations`, `details` or `id` where there are any."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        """Returns the answer of an HTTP API (payload format 2.0)."""
        return {
            "statusCode": self.status,
            "headers": {"content-type": MEDIA_TYPE, **self.headers},
            "body": json.dumps(self.body, default=str),
        }


def problem(error: BaseException) -> Problem:
    """Returns the problem document of any error.

    An internal error shows only an id, which the log has too (`problem_id`).
    """
    for kind, (status, title) in STATUSES.items():
        if isinstance(error, kind):
            return _known_problem(error, status, title)
    return Problem(
        500, _body(500, "Internal error", "internal", "Something went wrong here.") | {"id": uuid.uuid4().hex}
    )


def answering_problems(
    logger: logging.Logger, operation: Callable[[dict[str, Any]], str]
) -> Callable[[HttpHandler], HttpHandler]:
    """Decorates an HTTP handler: its errors become problem documents, and every invocation writes one log line.

    `operation` names what an event requests, without any secret.
    """

    def decorate(handler: HttpHandler) -> HttpHandler:
        @functools.wraps(handler)
        def answer(event: dict[str, Any], context: Any) -> Response:
            began = time.perf_counter()
            try:
                response = handler(event, context)
            except Exception as error:  # noqa: BLE001 - the boundary: nothing may escape as a bare 5xx
                response = _answer_error(logger, error)
            logger.info(
                "%s %s",
                operation(event),
                response["statusCode"],
                extra={
                    "operation": operation(event),
                    "status": response["statusCode"],
                    "duration_ms": round((time.perf_counter() - began) * 1000, 1),
                },
            )
            return response

        return answer

    return decorate


def _answer_error(logger: logging.Logger, cause: Exception) -> Response:
    error = as_known(cause)
    answer = problem(error)
    if answer.status == 500:
        log_fault(logger, "internal error", cause, problem_id=answer.body["id"])
    elif answer.status >= 500:
        logger.warning("%s: %s", type(error).__name__, error, extra={"code": answer.body["code"]})
    return answer.response()


def _known_problem(error: CadenceError, status: int, title: str) -> Problem:
    body = _body(status, title, error.code, error.message)
    if error.details:
        body["details"] = dict(error.details)
    if isinstance(error, InvalidRequest):
        body["violations"] = [
            {"pointer": violation.pointer, "code": violation.code, "message": violation.message}
            for violation in error.violations
        ]
    headers = {}
    if isinstance(error, Transient):
        headers["retry-after"] = str(max(1, math.ceil(error.retry_after)))
        body["retry_after"] = error.retry_after
    if isinstance(error, Unauthenticated):
        headers["www-authenticate"] = "Bearer"
    return Problem(status, body, headers)


def _body(status: int, title: str, code: str, detail: str) -> dict[str, Any]:
    return {"type": f"urn:cadence:problem:{code}", "title": title, "status": status, "code": code, "detail": detail}
