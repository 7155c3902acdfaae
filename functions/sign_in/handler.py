"""HTTP API `POST /v1/sign-in`: exchanges a token of an identity provider for one of Cadence."""

from typing import Any

from cadence.adapters.http.http_event import json_body, json_response, source_address
from cadence.adapters.http.problem import Response, answering_problems
from cadence.adapters.http.request_schema import check_request
from cadence.adapters.lambda_runtime.service_log import service_logger
from cadence.composition.access.sign_in import sign_in

_sign_in = sign_in()


def operation(event: dict[str, Any]) -> str:
    return "sign-in"


@answering_problems(service_logger("sign_in"), operation)
def handler(event: dict[str, Any], context: Any) -> Response:
    body = json_body(event)
    check_request("sign-in", "sign-in", body)
    signed_in = _sign_in.sign_in(
        body["organization"], body["provider"], body["id_token"], body.get("nonce"), source_address(event)
    )
    return json_response(signed_in.as_json(), 201)
