"""Sets up, tests, changes and removes exports."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from cadence.application.access.ports import Cipher
from cadence.application.exports.backfill_export import RequestBackfill
from cadence.application.exports.ports import Backlog, ExportFormat, ExportStore, ExportWork, LogRecord
from cadence.application.exports.push_metrics import PushMetrics
from cadence.application.exports.send_export import SendExport, credentials_context
from cadence.application.shared.event_ports import SubscriptionStore
from cadence.application.shared.identifiers import new_ulid
from cadence.application.shared.outgoing_ports import Outgoing
from cadence.application.shared.ports import Clock
from cadence.domain.access.access import ALL_PROJECTS
from cadence.domain.access.audit import AuditEntry, AuditKind
from cadence.domain.access.audit_chain import ChainHead, IdentifiedEntry, extend
from cadence.domain.exports.event import Audience, EventKind
from cadence.domain.exports.export import SIGNALS, Export, ExportCredentials, ExportKind, Signal, StoredRequest
from cadence.domain.metrics import catalog
from cadence.domain.metrics.telling import gauge
from cadence.domain.shared.errors import CadenceError, InvalidRequest, NotFound, Violation

MOST_EXPORTS = 20
"""The most exports of an organization: every event is examined for each of them."""

_SCHEMES: Mapping[ExportKind, frozenset[str]] = {
    ExportKind.PROMETHEUS: frozenset({"basic", "bearer"}),
    ExportKind.LOKI: frozenset({"basic", "bearer"}),
    ExportKind.OTLP: frozenset({"basic", "bearer"}),
    ExportKind.DATADOG: frozenset({"api_key"}),
    ExportKind.CLOUDEVENTS: frozenset({"basic", "bearer"}),
}
# Kinds of events that are sent to those alone who ask for them.
_SUBSCRIBED = {Signal.LOGS: EventKind.SEGMENT, Signal.AUDIT: EventKind.AUDIT}
# Set by the delivery itself, or by HTTP.
_OWN_HEADERS = frozenset(
    {
        "authorization", "connection", "content-encoding", "content-length", "content-type", "cookie", "dd-api-key",
        "expect", "host", "keep-alive", "proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Tried:
    """The result of a test: the receiver's answer, in words, to each signal that was tried."""

    ok: bool
    answers: Mapping[Signal, str]


@dataclass(frozen=True, kw_only=True)
class ManageExports:
    """The use cases for an organization's exports."""

    exports: ExportStore
    backlog: Backlog
    work: ExportWork
    cipher: Cipher
    outgoing: Outgoing
    subscriptions: SubscriptionStore
    send: SendExport
    formats: Callable[[ExportKind], ExportFormat]
    push: PushMetrics
    request_backfill: RequestBackfill
    clock: Clock

    def put(self, export: Export, credentials: ExportCredentials | None) -> tuple[Export, bool]:
        """Stores an export; returns it as stored, and True if it is new.

        Without `credentials` its earlier ones are kept, if it goes to the same address.
        Raises InvalidRequest for an invalid export, or if its credentials must be given again.
        """
        known = self._known(export)
        self.outgoing.check(export.url)
        _check(export, credentials)
        if credentials:
            context = credentials_context(export.organization, export.name)
            encrypted = self.cipher.encrypt(json.dumps(credentials.as_json()).encode(), context)
            export = replace(export, scheme=credentials.scheme, encrypted=encrypted)
        elif known and known.encrypted:
            if _place(known) != _place(export):
                message = "The stored credentials are for another kind or address: send the credentials again."
                raise InvalidRequest(message, [Violation("/credentials", message)])
            export = replace(export, scheme=known.scheme, encrypted=known.encrypted)
        if known:
            export = replace(export, created_at=known.created_at)
        new = self.exports.put_export(export)
        self._subscribe(export.organization)
        self.push.begin(export)
        if export.enabled and known and self.backlog.standing(export).retrying:
            # The change may have repaired it: the backlog is tried at once.
            self.backlog.failed(export, "The export was changed and is tried again.", self.clock())
            self.work.drain(export, timedelta())
        return export, new

    def delete(self, export: Export) -> None:
        """Deletes an export with its backlog. Raises NotFound."""
        self.exports.delete_export(export.organization, export.name)
        self._subscribe(export.organization)
        self.backlog.forget(export)

    def try_out(self, export: Export) -> Tried:
        """Sends one line, figure or span for each signal of the export, and returns the receiver's answers."""
        answers: dict[Signal, str] = {}
        ok = True
        now = self.clock()
        for signal in sorted(export.signals):
            try:
                export_format = self.formats(export.kind)
                headers = self.send.authorization(export)
                for request in _samples(export_format, export, signal, now):
                    self.send.request(export, request, headers)
                answers[signal] = "accepted"
            except CadenceError as error:
                ok, answers[signal] = False, error.message
        return Tried(ok, answers)

    def revive(self, export: Export) -> int:
        """Makes the export's dead letters parcels again, and returns how many."""
        revived = self.backlog.revive(export, self.clock())
        if revived:
            self.work.drain(export, timedelta())
        return revived

    def _known(self, export: Export) -> Export | None:
        try:
            return self.exports.get_export(export.organization, export.name)
        except NotFound:
            if len(self.exports.list_exports(export.organization)) >= MOST_EXPORTS:
                raise InvalidRequest(f"An organization has at most {MOST_EXPORTS} exports.") from None
            return None

    def _subscribe(self, organization: str) -> None:
        """Subscribes the organization to events of lines and of the audit log if one of its exports sends them."""
        exports = self.exports.list_exports(organization)
        sent = {signal for export in exports if export.enabled for signal in export.signals}
        kinds = frozenset(kind for signal, kind in _SUBSCRIBED.items() if signal in sent)
        self.subscriptions.subscribe(organization, Audience.EXPORTING, kinds)


def _check(export: Export, credentials: ExportCredentials | None) -> None:
    allowed = SIGNALS[export.kind]
    violations = [
        Violation("/signals", f"{export.kind} takes no {signal}, only {' and '.join(allowed)}.")
        for signal in sorted(export.signals)
        if signal not in allowed
    ]
    if not export.signals:
        violations.append(Violation("/signals", f"Name at least one of {', '.join(allowed)}."))
    if Signal.AUDIT in export.signals and export.labels:
        violations.append(
            Violation("/labels", "Records of the audit log are sent as they were chained, without labels.")
        )
    if credentials and credentials.scheme not in _SCHEMES[export.kind]:
        words = " or ".join(sorted(_SCHEMES[export.kind]))
        violations.append(Violation("/credentials/scheme", f"{export.kind} takes {words}."))
    violations += [
        Violation(f"/headers/{name}", "This header is set by the delivery itself; secrets are given as credentials.")
        for name in export.headers
        if name.lower() in _OWN_HEADERS
    ]
    if violations:
        raise InvalidRequest(violations[0].message, violations)


def _place(export: Export) -> tuple[ExportKind, str, str]:
    """Returns the destination of the credentials."""
    parts = urlsplit(export.url)
    return export.kind, parts.scheme, parts.netloc


def _samples(export_format: ExportFormat, export: Export, signal: Signal, now: datetime) -> Iterable[StoredRequest]:
    """Returns requests for one line, figure or span whose names show that it is a test."""
    at = now.isoformat(timespec="milliseconds")
    run_id, project, pipeline = new_ulid(now), "test", "cadence-export-test"
    match signal:
        case Signal.LOGS:
            line = {
                "seq": 1,
                "time": at,
                "runner": "test",
                "treatment": "test",
                "attempt": 1,
                "stream": "stdout",
                "level": "info",
                "text": f"Cadence can send logs to {export.name}.",
            }
            return export_format.logs(
                export,
                [
                    LogRecord(
                        organization=export.organization, project=project, pipeline=pipeline, run_id=run_id, line=line
                    )
                ],
            )
        case Signal.METRICS:
            return export_format.metrics(export, [gauge(catalog.EXPORT_FAILING, [({"export": export.name}, 0.0)])], now)
        case Signal.TRACES:
            run = {
                "kind": "run",
                "organization": export.organization,
                "project": project,
                "pipeline": pipeline,
                "run_id": run_id,
                "state": "succeeded",
                "created_at": at,
                "started_at": at,
                "finished_at": at,
            }
            return export_format.spans(export, [run])
        case Signal.AUDIT:
            entry = AuditEntry(
                organization=export.organization,
                project=ALL_PROJECTS,
                at=now,
                kind=AuditKind.CHANGE,
                actor="test",
                token_id="test",  # noqa: S106 - no secret
                token_name="test",  # noqa: S106 - no secret
                action="test_export",
                target=f"/v1/exports/{export.name}/test",
            )
            # The number of no record: those of a chain begin with 1 and have the digest of the one before.
            records, _ = extend(ChainHead(), [IdentifiedEntry(run_id, entry)])
            return export_format.audit(export, [{**record, "sequence": 0} for record in records])
