"""Chains new entries of the audit log, and hands the chained records on."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from cadence.application.access.ports import AuditArchive, AuditChain
from cadence.application.shared.event_ports import Events, SubscriptionReader
from cadence.domain.access.audit_chain import ChainRecord, IdentifiedEntry, extend
from cadence.domain.exports.event import Audience, EventKind, audit_event

RECENT_SEALS = 16
"""The seals in which an entry that is delivered again is looked for: those of as many batches before it."""


@dataclass(frozen=True, kw_only=True)
class SealAudit:
    """Seals entries in the order in which they were stored: one caller for each organization at a time.

    Safe to repeat: entries that are sealed already are not sealed again, but handed on again. `archive` is the locked
    bucket, `events` lead to the exports that send the audit log.
    """

    chain: AuditChain
    archive: AuditArchive
    subscriptions: SubscriptionReader
    events: Events

    def seal(self, entries: Sequence[IdentifiedEntry]) -> int:
        """Seals entries and returns how many are new.

        Raises Conflict or Transient: then the whole call is to be repeated.
        """
        by_organization: dict[str, list[IdentifiedEntry]] = defaultdict(list)
        for identified in entries:
            by_organization[identified.entry.organization].append(identified)
        return sum(self._seal(organization, own) for organization, own in by_organization.items())

    def _seal(self, organization: str, entries: Sequence[IdentifiedEntry]) -> int:
        # Before the seals are read: what is sealed in between makes `append` raise Conflict.
        head = self.chain.head(organization)
        wanted = {identified.entry_id for identified in entries}
        again = [
            seal
            for seal in self.chain.recent(organization, RECENT_SEALS)
            if any(record["id"] in wanted for record in seal)
        ]
        sealed = {record["id"] for seal in again for record in seal}
        # One entry may be twice in a batch, too.
        fresh = list({one.entry_id: one for one in entries if one.entry_id not in sealed}.values())
        for seal in again:
            self._hand_on(organization, seal)
        if fresh:
            records, _ = extend(head, fresh)
            self.chain.append(organization, head, records)
            self._hand_on(organization, records)
        return len(fresh)

    def _hand_on(self, organization: str, records: Sequence[ChainRecord]) -> None:
        self.archive.keep(organization, records)
        if EventKind.AUDIT in self.subscriptions.get_subscriptions(organization)[Audience.EXPORTING]:
            self.events.tell(Audience.EXPORTING, [audit_event(record) for record in records])
