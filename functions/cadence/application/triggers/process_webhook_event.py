"""Turns a webhook of the kind `generic` into runs: one for each pipeline that listens to its sender and type."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from cadence.application.access.ports import SeenStore
from cadence.application.pipelines.ports import PipelineStore
from cadence.application.shared.identifiers import derived_ulid
from cadence.application.shared.ports import Clock
from cadence.application.triggers.ports import Delivery, EventDeliveries, EventDelivery
from cadence.application.triggers.start_triggered import StartTriggered
from cadence.domain.triggers.githost import GitHost
from cadence.domain.triggers.webhook_events import decode_webhook_event

_KEPT = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class ProcessWebhookEvent:
    """Processes webhooks of senders of the kind `generic`."""

    seen: SeenStore
    pipelines: PipelineStore
    start: StartTriggered
    deliveries: EventDeliveries
    clock: Clock

    def process(self, sender: GitHost, delivery: Delivery) -> Sequence[str]:
        """Returns the ids of the started runs; none if the delivery was processed before. Records the outcome.

        Safe to repeat at any point: run ids derive from the delivery, which is marked as done last.
        """
        event = decode_webhook_event(delivery.body)
        key = f"DELIVERY#{delivery.githost_id}#{delivery.delivery_id}"
        earlier = self.seen.first_seen(key, delivery.event, self.clock(), _KEPT)
        if earlier.done:
            return ()
        listening, started = 0, []
        for version in self.pipelines.list_newest(sender.organization, sender.project):
            entries = [entry for entry in version.triggers.webhook if entry.source == sender.name]
            listening += bool(entries)
            entry = next((one for one in entries if one.takes_type(event.type)), None)
            if entry is None:
                continue
            run_id = derived_ulid(earlier.first_seen, delivery.githost_id, delivery.delivery_id, version.name)
            created_by = f"{sender.kind} {sender.name}"
            run = self.start.start_triggered(run_id, version, event.event(sender.name), created_by, entry.parameters)
            started.append(run.run_id)
        record = EventDelivery(
            delivery_id=delivery.delivery_id,
            received_at=earlier.first_seen,
            event=event.type,
            outcome=_outcome(sender.name, event.type, listening, len(started)),
            runs=tuple(started),
        )
        self.deliveries.add_event_delivery(sender.githost_id, record)
        self.seen.mark_done(key)
        return started


def _outcome(sender: str, event_type: str, listening: int, started: int) -> str:
    if not listening:
        return f"No stored pipeline of the project has `on.webhook` with the source {sender}."
    listeners = f"{listening} pipeline{'' if listening == 1 else 's'} with the source {sender}"
    if not started:
        return f"{listeners}, none with the type {event_type or '(none)'}."
    return f"{listeners}, {started} triggered."
