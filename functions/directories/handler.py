"""HTTP API `POST /v1/sign-in/directory`, and a schedule that removes who has left the directory."""

from typing import Any

from cadence.adapters.http.http_event import json_body, json_response, source_address
from cadence.adapters.http.problem import Response, answering_problems
from cadence.adapters.http.request_schema import check_request
from cadence.adapters.lambda_runtime.service_log import service_logger
from cadence.composition.access.directories import directories

log = service_logger("directories")
_directories = directories()


def operation(event: dict[str, Any]) -> str:
    return "directory-sign-in"


@answering_problems(log, operation)
def sign_in(event: dict[str, Any], context: Any) -> Response:
    body = json_body(event)
    check_request("sign-in", "directory", body)
    signed_in = _directories.sign_in.sign_in(
        body["organization"], body["directory"], body["user"], body["password"], source_address(event)
    )
    return json_response(signed_in.as_json(), 201)


def handler(event: dict[str, Any], context: Any) -> Response:
    """Handles a request, or the schedule's event, which has no request in it."""
    if "requestContext" in event:
        return sign_in(event, context)
    return {"failed": _directories.sync.sync_all()}
