"""Records requests in the audit log: here for all routes, so that no route can leave it out."""

from collections.abc import Mapping
from typing import Any

from api.endpoint import Endpoint, Model, Reply
from cadence.adapters.http.http_event import source_address
from cadence.application.access.audited_request import AuditedRequest
from cadence.composition.api import Services
from cadence.domain.access.access import ALL_PROJECTS, Principal
from cadence.domain.access.audit import AuditKind
from cadence.domain.shared.errors import CadenceError, NotFound


class RequestAudit:
    """Records one request as its route's declaration says: as a change, or as values or lines that are read."""

    def __init__(self, endpoint: Endpoint, services: Services, event: dict[str, Any], target: str) -> None:
        self._endpoint = endpoint
        self._services = services
        action = endpoint.function.__name__
        self._request = AuditedRequest(services.audit, services.clock, action, target, source_address(event))

    def accept(self, by: Principal | None, arguments: Mapping[str, Any]) -> None:
        """Records a change, before it is carried out. Public routes record it themselves, once they know whose it is.

        Raises Transient if it cannot be recorded.
        """
        kind = self._endpoint.audit
        if by is None or kind is None or kind is AuditKind.VALUE:
            return
        self._request.accept(by, kind, self._project(by, arguments))

    def answer(self, by: Principal | None, arguments: Mapping[str, Any], answer: Model | Reply) -> None:
        """Records that values or lines were read, before they are handed over, unless the answer has none.

        Raises Transient if it cannot be recorded.
        """
        body = answer.body if isinstance(answer, Reply) else answer
        empty = isinstance(body, Model) and not body.hands_over_content()
        if by is not None and self._endpoint.audit is AuditKind.VALUE and not empty:
            self._request.accept_hourly(by, AuditKind.VALUE, self._project(by, arguments))

    def refuse(self, by: Principal | None, error: CadenceError) -> None:
        """Records that the request was refused. Raises Transient if it cannot be recorded."""
        self._request.refuse(by, error)

    def _project(self, by: Principal, arguments: Mapping[str, Any]) -> str:
        """Returns the project that a request is about, `*` where it is about the organization or shows none."""
        named = arguments.get("project") or arguments.get("scope")
        for part in ("body", "query"):
            named = named or getattr(arguments.get(part), "project", None)
        if isinstance(named, str):
            return named
        if "run_id" in arguments:
            try:
                run = self._services.known_run(arguments["run_id"])
            except NotFound:
                return ALL_PROJECTS
            if run.organization == by.organization:
                return run.project
        return ALL_PROJECTS
