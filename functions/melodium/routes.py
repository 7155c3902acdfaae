"""Mélodium's API: from a method, a path and a body to one use case and its answer.

Engines get exactly the answers that they understand (docs/melodium-contract.md): 200 and JSON, or 202 while a worker
does not listen yet. An engine takes every other status for the end of its reporting.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cadence.adapters.http.http_event import json_response
from cadence.adapters.http.problem import Response
from cadence.adapters.http.request_schema import check_request
from cadence.application.access.audited_request import AuditedRequest
from cadence.application.access.authenticate import require
from cadence.application.melodium.ports import WorkerReady, WorkerRefused
from cadence.application.runs.ports import EngineStream
from cadence.composition.melodium import EngineApi
from cadence.domain.access.access import Permission, Principal
from cadence.domain.access.audit import AuditKind
from cadence.domain.melodium.process import ProcessOutcome
from cadence.domain.melodium.request import launch_request, shown_request
from cadence.domain.shared.errors import CadenceError, InvalidRequest, NotFound
from melodium import page, wire


@dataclass(frozen=True, kw_only=True)
class EngineRequest:
    """`path` is what follows `/0.1/`; `read` gives the JSON body; `base` is the API's own address.

    `source` is the address that the request came from.
    """

    method: str
    path: str
    authorization: str | None
    read: Callable[[], Any]
    base: str
    source: str = ""


@dataclass(frozen=True)
class EngineCall:
    """`names` are the varying parts of the path; `body` has been checked."""

    by: Principal
    names: Mapping[str, str]
    body: Any
    base: str
    audit: AuditedRequest

    @property
    def run_id(self) -> str:
        """Returns the run's id, from the path or else from the body."""
        return str(self.names.get("run") or self.body["run_id"]).lower()


Route = Callable[[EngineApi, EngineCall], Response]


_NO_ORGANIZATION = "organization_id is not accepted: the token determines the organization. Leave it out, and use a token of that organization."


def start(api: EngineApi, call: EngineCall) -> Response:
    """Starts a run. A refusal is an answer, not an error: the engine passes its text on."""
    request = launch_request(call.body)
    call.audit.accept(call.by, AuditKind.CHANGE, call.by.project)
    try:
        if request.organization_id:
            raise InvalidRequest(_NO_ORGANIZATION)
        if request.asks_for_worker:
            by = require(call.by, Permission.MELODIUM_DISPATCH)
            return json_response({"ok": api.start_worker.request(by, request)})
        return json_response({"ok": api.record_start.record(call.by, request, shown_request(call.body))})
    except CadenceError as error:
        call.audit.refuse(call.by, error)
        return json_response({"error": [error.message]})


def access(api: EngineApi, call: EngineCall) -> Response:
    run = api.processes.get(call.by, call.run_id)
    access_data = api.access.wait(call.by, run)
    if isinstance(access_data, WorkerReady):
        call.audit.accept_hourly(call.by, AuditKind.SECRET, run.project)
        return json_response(wire.access_json(access_data, api.tunnel_url))
    if isinstance(access_data, WorkerRefused):
        return json_response({"error": list(access_data.reasons)})
    return json_response({"waiting": None}, 202)


def _accept(api: EngineApi, call: EngineCall) -> None:
    """Records a change of a run, before it is carried out. Raises NotFound for a run of others."""
    call.audit.accept(call.by, AuditKind.CHANGE, api.processes.get(call.by, call.run_id).project)


def launched(api: EngineApi, call: EngineCall) -> Response:
    _accept(api, call)
    api.report.launched(call.by, call.run_id, call.body["response"].get("error") or ())
    return json_response({})


def ended(api: EngineApi, call: EngineCall) -> Response:
    _accept(api, call)
    ((how, messages),) = call.body["result"].items()
    api.report.ended(call.by, call.run_id, ProcessOutcome(how), messages or ())
    return json_response({})


def report(api: EngineApi, call: EngineCall) -> Response:
    _accept(api, call)
    destinations = api.report.request(call.by, call.run_id, call.body["group_id"].lower())
    return json_response(wire.destinations_json(destinations, call.base))


def details(api: EngineApi, call: EngineCall) -> Response:
    _accept(api, call)
    api.report.details(call.by, call.run_id, call.body["entrypoint"], call.body.get("parameters") or {})
    return json_response({})


def logs(api: EngineApi, call: EngineCall) -> Response:
    api.report.chunks(call.by, call.run_id, EngineStream.LOGS, call.body["chunks"])
    return json_response({})


def debug(api: EngineApi, call: EngineCall) -> Response:
    api.report.chunks(call.by, call.run_id, EngineStream.DEBUG, call.body["chunks"])
    return json_response({})


_UUID = r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"
_RUN = rf"(?P<run>{_UUID})"
_REPORT, _DISPATCH = Permission.MELODIUM_REPORT, Permission.MELODIUM_DISPATCH

# Method, path below /0.1, permission, the request's name in the schema, the route.
_ROUTES: tuple[tuple[str, re.Pattern[str], Permission, str | None, Route], ...] = (
    ("POST", re.compile(r"execution/run/start"), _REPORT, "start", start),
    ("GET", re.compile(rf"execution/run/{_RUN}/access"), _DISPATCH, None, access),
    ("POST", re.compile(r"execution/run/launched"), _REPORT, "launched", launched),
    ("POST", re.compile(r"execution/run/ended"), _REPORT, "ended", ended),
    ("POST", re.compile(r"execution/report/request"), _REPORT, "report", report),
    ("POST", re.compile(rf"execution/report/run/{_RUN}/program/details"), _REPORT, "details", details),
    ("POST", re.compile(rf"execution/report/run/{_RUN}/logs/chunks"), _REPORT, "chunks", logs),
    ("POST", re.compile(rf"execution/report/run/{_RUN}/debug/chunks"), _REPORT, "chunks", debug),
)
_DASHBOARD = re.compile(rf"execution/report/dashboard/(?P<group>{_UUID})/(?P<run>{_UUID})")


def answer(api: EngineApi, request: EngineRequest) -> Response:
    """Answers a request. Changes and refusals are recorded; chunks of a run that reports are not.

    Raises NotFound for an unknown path, InvalidRequest for a body that the schema does not allow."""
    shown = _DASHBOARD.fullmatch(request.path)
    if shown and request.method in ("GET", "HEAD"):
        return page.answer(api.processes, shown["group"].lower(), shown["run"].lower())
    for method, pattern, permission, schema, route in _ROUTES:
        match = pattern.fullmatch(request.path)
        if match and method == request.method:
            audit = api.audited(f"engine_{route.__name__}", f"/0.1/{request.path}", request.source)
            by = None
            try:
                by = api.authenticate(request.authorization)
                by = require(by, permission)
                body = request.read() if schema else None
                if schema:
                    check_request("melodium-api", schema, body)
                return route(api, EngineCall(by, match.groupdict(), body, request.base, audit))
            except CadenceError as error:
                audit.refuse(by, error)
                raise
    raise NotFound("There is nothing at this address of Mélodium's API.")
