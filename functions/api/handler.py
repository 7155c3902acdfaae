"""HTTP API `/v1/*` and `/metrics`: all requests of users, the CLI and the dashboard."""

from collections.abc import Mapping
from typing import Any

from api.application import build
from api.routes import ENDPOINTS
from cadence.adapters.http.problem import answering_problems
from cadence.adapters.lambda_runtime.fault_report import log_fault
from cadence.adapters.lambda_runtime.service_log import service_logger
from cadence.composition.api import services

log = service_logger("api")
api_services = services()


def report(error: BaseException, body: Mapping[str, Any]) -> None:
    log_fault(log, "internal error", error, problem_id=body.get("id"))


def operation(event: dict[str, Any]) -> str:
    http = event.get("requestContext", {}).get("http", {})
    return f"{http.get('method')} {http.get('path')}"


answer = build(ENDPOINTS, api_services, api_services.authenticate, report)
handler = answering_problems(log, operation)(answer)
