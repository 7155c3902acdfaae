"""Records requests in the audit log: here for all routes, so that no route can leave it out."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from api.endpoint import Endpoint
from cadence.application.access.authenticate import TokenRefused
from cadence.application.shared.identifiers import new_ulid
from cadence.composition.api import Services
from cadence.domain.access.access import ALL_PROJECTS, Principal
from cadence.domain.access.audit import LONGEST_TARGET, AuditEntry, AuditKind
from cadence.domain.shared.errors import CadenceError, Forbidden, NotFound, Transient

_HOUR = timedelta(hours=1)


class RequestAudit:
    """Records one request.

    A change has an entry before it is carried out, and a second one with the reason if it is refused after all. An
    earlier refusal, and a value that is read, has one entry an hour for the same caller and operation (and value), so
    that repeating a request cannot fill the log.
    """

    def __init__(self, endpoint: Endpoint, services: Services, event: Mapping[str, Any], target: str) -> None:
        self._endpoint = endpoint
        self._services = services
        self._source = source_of(event)
        self._target = target[:LONGEST_TARGET]
        self._accepted: AuditEntry | None = None

    def accept(self, by: Principal | None, arguments: Mapping[str, Any]) -> None:
        """Records a change, before it is carried out. Public routes record it themselves, once they know whose it is.

        Raises Transient if it cannot be recorded.
        """
        kind = self._endpoint.audit
        if by is None or kind is None or kind is AuditKind.VALUE:
            return
        entry = replace(self._entry(by, kind, self._project(by, arguments)), request=new_ulid(self._services.clock()))
        self._services.audit.note(entry)
        self._accepted = entry

    def answer(self, by: Principal | None, arguments: Mapping[str, Any]) -> None:
        """Records a value that was read, before it is handed over. Raises Transient if it cannot be recorded."""
        if by is not None and self._endpoint.audit is AuditKind.VALUE:
            entry = self._entry(by, AuditKind.VALUE, self._project(by, arguments))
            self._note_hourly(entry, entry.actor, entry.action, entry.target)

    def refuse(self, by: Principal | None, error: CadenceError) -> None:
        """Records that the request was refused. Raises Transient if it cannot be recorded."""
        if self._accepted is not None:
            if not isinstance(error, Transient):  # which says that the outcome is not known
                now = self._services.clock()
                self._services.audit.note(replace(self._accepted, at=now, outcome=error.code))
        elif by is not None and isinstance(error, Forbidden):
            entry = replace(self._entry(by, AuditKind.REFUSAL, ALL_PROJECTS), outcome=error.code)
            self._note_hourly(entry, entry.actor, entry.action)
        elif isinstance(error, TokenRefused):
            token = error.token
            entry = AuditEntry(
                organization=token.organization,
                project=ALL_PROJECTS,
                at=self._services.clock(),
                kind=AuditKind.REFUSAL,
                actor=token.subject or token.token_id,
                token_id=token.token_id,
                token_name=token.name,
                action=self._endpoint.function.__name__,
                target=self._target,
                outcome=error.code,
                source=self._source,
            )
            # Whoever knows a token's id can cause this, so there is one for all operations.
            self._note_hourly(entry, entry.token_id)

    def _entry(self, by: Principal, kind: AuditKind, project: str) -> AuditEntry:
        return AuditEntry.by(
            by,
            self._services.clock(),
            kind,
            self._endpoint.function.__name__,
            self._target,
            project=project,
            source=self._source,
        )

    def _note_hourly(self, entry: AuditEntry, *same: str) -> None:
        """Records an entry unless there is one of this hour that is the `same`."""
        hour = str(int(entry.at.timestamp() // _HOUR.total_seconds()))
        parts = (entry.organization, str(entry.kind), entry.outcome, hour, *same)
        key = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
        self._services.audit.note_once(entry, key, _HOUR)

    def _project(self, by: Principal, arguments: Mapping[str, Any]) -> str:
        """Returns the project that a request is about, `*` where it is about the organization or shows none."""
        named = arguments.get("project") or arguments.get("scope") or getattr(arguments.get("body"), "project", None)
        if isinstance(named, str):
            return named
        if "run_id" in arguments:
            try:
                run = self._services.runs.get_run(arguments["run_id"])
            except NotFound:
                return ALL_PROJECTS
            if run.organization == by.organization:
                return run.project
        return ALL_PROJECTS


def source_of(event: Mapping[str, Any]) -> str:
    """Returns the address that a request came from, as the front door saw it; empty if it does not say so."""
    http = (event.get("requestContext") or {}).get("http") or {}
    return str(http.get("sourceIp") or "")
