"""HTTP API `/0.1/{proxy+}`: all requests of a Mélodium engine."""

import re
from typing import Any

from cadence.adapters.http.http_event import authorization, headers, json_body, proxy_path, source_address
from cadence.adapters.http.problem import Response, answering_problems
from cadence.adapters.lambda_runtime.service_log import service_logger
from cadence.composition.melodium import engine_api
from melodium import routes

_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_api = engine_api()


def _method(event: dict[str, Any]) -> str:
    return str(((event.get("requestContext") or {}).get("http") or {}).get("method") or "GET").upper()


def _operation(event: dict[str, Any]) -> str:
    return f"{_method(event)} {_UUID.sub('…', proxy_path(event))[:80]}"


@answering_problems(service_logger("melodium"), _operation)
def handler(event: dict[str, Any], context: Any) -> Response:
    request = routes.EngineRequest(
        method=_method(event),
        path=proxy_path(event),
        authorization=authorization(event),
        read=lambda: json_body(event),
        base=_base(event),
        source=source_address(event),
    )
    return routes.answer(_api, request)


def _base(event: dict[str, Any]) -> str:
    """Returns the API's address as the caller knows it."""
    sent = headers(event)
    host = sent.get("host") or (event.get("requestContext") or {}).get("domainName") or "localhost"
    return f"{sent.get('x-forwarded-proto', 'https')}://{host}/0.1"
