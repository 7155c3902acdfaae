"""Errors of requests that reach no use case, and the problem document of any error."""

from dataclasses import replace

from cadence.adapters.http.problem import Problem, problem
from cadence.adapters.lambda_runtime.machine_boundary import as_known
from cadence.application.pipelines.invalid_document import InvalidDocument
from cadence.domain.pipelines.document import Finding
from cadence.domain.shared.errors import CadenceError


class Malformed(CadenceError):
    """The request cannot be read at all."""

    code = "malformed"
    status = 400
    title = "The request cannot be read"


class MethodNotAllowed(CadenceError):
    code = "method_not_allowed"
    status = 405
    title = "Not possible here"

    def __init__(self, message: str, allowed: tuple[str, ...]) -> None:
        super().__init__(message)
        self.allowed = allowed


class UnsupportedMediaType(CadenceError):
    code = "unsupported_media_type"
    status = 415
    title = "This content type is not understood"


def problem_of(error: BaseException) -> Problem:
    """Returns the problem document, with what only this API knows."""
    if isinstance(error, Malformed | MethodNotAllowed | UnsupportedMediaType):
        body = {
            "type": f"urn:cadence:problem:{error.code}",
            "title": error.title,
            "status": error.status,
            "code": error.code,
            "detail": error.message,
        }
        headers = {"allow": ", ".join(error.allowed)} if isinstance(error, MethodNotAllowed) else {}
        return Problem(error.status, body, headers)
    common = problem(as_known(error) if isinstance(error, Exception) else error)
    if isinstance(error, InvalidDocument):
        return replace(common, body={**common.body, "findings": [finding_json(f) for f in error.findings]})
    return common


def finding_json(finding: Finding) -> dict[str, str | int | None]:
    return {
        "code": str(finding.code),
        "severity": str(finding.severity),
        "message": finding.message,
        "pointer": finding.pointer,
        "line": finding.line,
        "column": finding.column,
        "hint": finding.hint,
        "file": finding.file,
    }
