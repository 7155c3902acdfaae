"""Makes one delivery to a receiver: reads the parcels' content, encodes it in the receiver's format, and sends it."""

import base64
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from cadence.application.access.ports import Cipher
from cadence.application.exports.ports import ExportFormat, LogRecord
from cadence.application.logs.ports import LogSegments
from cadence.application.metrics.ports import Event
from cadence.application.shared.outgoing_ports import Outgoing, OutgoingResponse
from cadence.domain.exports.export import Export, ExportBatch, ExportCredentials, ExportKind, Signal, StoredRequest
from cadence.domain.shared.errors import CadenceError, Forbidden, Transient
from cadence.domain.shared.ids import bucket_and_key

_LINES_AT_A_TIME = 1_000
_ENDS_AT_A_TIME = 200
# Of events of other kinds, spans are made.
_SIGNALS = {"segment": Signal.LOGS, "audit": Signal.AUDIT}


class RefusedForGood(CadenceError):
    """The receiver refuses this request, however often it is sent."""

    code = "refused"


@dataclass(frozen=True)
class Batch:
    """Parcels that are sent together."""

    parcels: Sequence[ExportBatch]


@dataclass(frozen=True)
class SendExport:
    """Sends parcels to receivers, with their credentials."""

    segments: LogSegments
    formats: Callable[[ExportKind], ExportFormat]
    outgoing: Outgoing
    cipher: Cipher

    def wants(self, export: Export, event: Event) -> bool:
        """Returns True if the export takes the event."""
        signal = _SIGNALS.get(event["kind"], Signal.TRACES)
        # Lines that are kept in the bucket of a pool do not leave it with an export.
        if signal is Signal.LOGS and bucket_and_key(event["key"])[0] is not None:
            return False
        # A treatment that never became ready took no time: it would be a span without a duration.
        idle = event["kind"] == "treatment" and not event.get("ready_at")
        return export.wants(signal, event["project"]) and not idle

    def batches(self, export: Export, parcels: Sequence[ExportBatch]) -> Iterator[Batch]:
        """Yields batches of the parcels, in order, each with about as many lines as a request may have."""
        taken: list[ExportBatch] = []
        lines = 0
        for parcel in parcels:
            taken.append(parcel)
            if parcel.event is not None:
                lines += parcel.event.get("lines", 0)
            if lines >= _LINES_AT_A_TIME or len(taken) >= _ENDS_AT_A_TIME:
                yield Batch(taken)
                taken, lines = [], 0
        if taken:
            yield Batch(taken)

    def send(self, export: Export, batch: Batch) -> None:
        """Sends a batch. Raises Transient if the receiver may take it later, RefusedForGood if not."""
        export_format = self.formats(export.kind)
        headers = self.authorization(export)
        records = [record for parcel in batch.parcels for record in self._records(parcel.event)]
        ends = [parcel.event for parcel in batch.parcels if parcel.event and parcel.event["kind"] not in _SIGNALS]
        audited = [event["record"] for parcel in batch.parcels if (event := parcel.event) and event["kind"] == "audit"]
        stored = [parcel.request for parcel in batch.parcels if parcel.request]
        made = (
            *export_format.logs(export, records),
            *export_format.spans(export, ends),
            *export_format.audit(export, audited),
        )
        for request in (*made, *stored):
            self.request(export, request, headers)

    def request(self, export: Export, request: StoredRequest, authorization: Mapping[str, str]) -> OutgoingResponse:
        """Sends one request and returns the answer. Raises Transient, RefusedForGood."""
        url = self.formats(export.kind).address(export, request.path)
        headers = {**export.headers, **request.headers, "Content-Type": request.content_type, **authorization}
        if request.encoding:
            headers["Content-Encoding"] = request.encoding
        try:
            answer = self.outgoing.post(url, headers, request.body)
        except Forbidden as error:  # the name may lead elsewhere later
            raise Transient(error.message) from None
        if answer.accepted:
            return answer
        words = f"{export.name} answered {answer.status}" + (f": {answer.words}" if answer.words else "")
        if answer.may_accept_later:
            raise Transient(words, asked=answer.retry_after)
        raise RefusedForGood(words)

    def authorization(self, export: Export) -> Mapping[str, str]:
        """Returns the headers with the export's decrypted credentials."""
        if export.encrypted is None:
            return {}
        context = credentials_context(export.organization, export.name)
        return authorization_of(ExportCredentials(**json.loads(self.cipher.decrypt(export.encrypted, context))))

    def _records(self, event: Event | None) -> Iterator[LogRecord]:
        if event is None or event["kind"] != "segment":
            return
        owner = {name: event[name] for name in ("organization", "project", "pipeline", "run_id")}
        for line in self.segments.read(event["key"]):
            yield LogRecord(**owner, line=line)


def authorization_of(credentials: ExportCredentials) -> Mapping[str, str]:
    """Returns the headers that credentials are sent in."""
    match credentials.scheme:
        case "basic":
            pair = base64.b64encode(f"{credentials.user}:{credentials.secret}".encode()).decode()
            return {"Authorization": f"Basic {pair}"}
        case "api_key":
            return {"DD-API-KEY": credentials.secret}
    return {"Authorization": f"Bearer {credentials.secret}"}


def credentials_context(organization: str, name: str) -> dict[str, str]:
    """Returns the encryption context to which the ciphertext of an export's credentials is bound."""
    return {"purpose": "export", "organization": organization, "export": name}
