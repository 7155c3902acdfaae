"""HTTP API `/runner/v1/{proxy+}`: all requests of agents and hosts (POST), and the agent's file (GET)."""

from typing import Any

from cadence.adapters.http.http_event import (
    authorization,
    called_origin,
    file_response,
    headers,
    is_read,
    json_body,
    json_response,
    proxy_path,
    source_address,
)
from cadence.adapters.http.problem import Response, answering_problems
from cadence.adapters.lambda_runtime.service_log import service_logger
from cadence.composition.runner_gateway import gateway
from runner_gateway import routes

_gateway = gateway()


@answering_problems(service_logger("runner_gateway"), proxy_path)
def handler(event: dict[str, Any], context: Any) -> Response:
    if is_read(event) and proxy_path(event) == "agent":
        return json_response(routes.agent())
    if is_read(event):
        return file_response(routes.file(proxy_path(event)))
    return json_response(
        routes.answer(
            _gateway,
            proxy_path(event),
            authorization(event),
            json_body(event),
            source_address(event),
            called_origin(headers(event)),
        )
    )
