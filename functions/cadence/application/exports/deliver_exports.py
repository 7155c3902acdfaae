"""Delivers events and metrics to an organization's exports: at once, or from the backlog after a receiver failed."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cadence.application.exports.ports import Backlog, ExportWork
from cadence.application.exports.send_export import Batch, RefusedForGood, SendExport
from cadence.application.metrics.ports import Event
from cadence.application.shared.ports import Clock
from cadence.domain.exports.export import GIVE_UP_AFTER, Export, ExportBatch, backoff
from cadence.domain.shared.errors import Conflict, Transient

_PARCELS_AT_A_TIME = 25
_DRAINING = timedelta(seconds=40)
_LEASE = timedelta(seconds=120)
_OUR_FAULT = timedelta(hours=1)
_LONGEST_DELAY = timedelta(seconds=900)


@dataclass(frozen=True, kw_only=True)
class DeliverExports:
    """Delivers parcels at least once: twice if a receiver took them and its answer was lost.

    `report` gets errors of Cadence itself, and the name of the export that they hinder.
    """

    send: SendExport
    backlog: Backlog
    work: ExportWork
    clock: Clock
    report: Callable[[Exception, str], None]

    def events(self, export: Export, events: Sequence[Event]) -> None:
        """Sends or keeps the events that the export takes. Safe to repeat."""
        matching = [event for event in events if self.send.wants(export, event)]
        self.parcels(export, [parcel_of(event) for event in matching])

    def parcels(self, export: Export, parcels: Sequence[ExportBatch]) -> None:
        """Sends parcels, or keeps them in the backlog if the receiver fails; those it refuses become dead letters."""
        if not parcels:
            return
        now = self.clock()
        if self.backlog.standing(export).retrying:
            try:
                self.backlog.keep(export, parcels, None, None, now)
            except Conflict:  # it has just recovered
                pass
            else:
                return
        remaining = list(parcels)
        taken = False
        for batch in self.send.batches(export, parcels):
            try:
                refused = self._sent(export, batch)
            except Transient as error:
                self._begin_failing(export, remaining, error)
                return
            for parcel, words in refused:
                self.backlog.bury(export, [parcel], words, now)
            remaining = remaining[len(batch.parcels) :]
            taken = taken or len(refused) < len(batch.parcels)
        if taken:
            self.backlog.touch(export, self.clock())

    def drain(self, export: Export) -> int:
        """Delivers the backlog, oldest first, as long as the receiver takes it; returns the number of parcels.

        It is called by a message that was sent when the receiver failed; new parcels join the backlog meanwhile.
        """
        now = self.clock()
        standing = self.backlog.standing(export)
        if not standing.retrying:
            return 0
        if standing.retry_at and standing.retry_at > now:
            return 0  # the call that put it off has sent a message for then
        if not self.backlog.lease(export, now, now + _LEASE):
            self.work.drain(export, _LEASE)
            return 0
        delivered = 0
        while self.clock() < now + _DRAINING:
            parcels = self.backlog.next(export, _PARCELS_AT_A_TIME)
            if not parcels:
                if self._recovered(export):
                    return delivered
                continue
            done = self._try(export, parcels)
            delivered += done
            if done < len(parcels):
                self.backlog.release(export)
                return delivered
        self.backlog.release(export)
        self.work.drain(export, timedelta())
        return delivered

    def _try(self, export: Export, parcels: Sequence[ExportBatch]) -> int:
        """Returns how many of the parcels need no further try."""
        done = 0
        for batch in self.send.batches(export, parcels):
            now = self.clock()
            try:
                refused = self._sent(export, batch)
            except Transient as error:
                old = [parcel for parcel in parcels[done:] if parcel.since < now - GIVE_UP_AFTER]
                if old:
                    self.backlog.bury(export, old, str(error), now)
                failures = self.backlog.standing(export).failures
                wait = _wait(failures, error)
                # First the message: a crash in between only makes the next try come early.
                self.work.drain(export, wait)
                self.backlog.failed(export, str(error), now + wait)
                return done
            for parcel, words in refused:
                self.backlog.bury(export, [parcel], words, now)
            bad = {parcel.key for parcel, _ in refused}
            self.backlog.delivered(export, [parcel for parcel in batch.parcels if parcel.key not in bad], now)
            done += len(batch.parcels)
        return done

    def _sent(self, export: Export, batch: Batch) -> Sequence[tuple[ExportBatch, str]]:
        """Sends a batch and returns the parcels that the receiver refused for good, each with its words.

        The parcels of a refused batch are sent one by one, so that one refused parcel does not hold back the others.
        """
        try:
            self.send.send(export, batch)
        except Transient:
            raise
        except Exception as error:  # noqa: BLE001 - an error in one parcel must not stop the others
            if len(batch.parcels) == 1:
                return [(batch.parcels[0], self._words(export, batch.parcels[0], error))]
            singles = (single for parcel in batch.parcels for single in self.send.batches(export, [parcel]))
            return [refused for single in singles for refused in self._sent(export, single)]
        return []

    def _words(self, export: Export, parcel: ExportBatch, error: Exception) -> str:
        """Returns why a parcel is given up. Raises Transient, for an hour, after an error of Cadence itself.

        After that hour it is given up, since others would wait behind it for a day.
        """
        if isinstance(error, RefusedForGood):
            return error.message
        self.report(error, export.name)
        words = f"Cadence could not prepare it for sending ({type(error).__name__})."
        if parcel.since > self.clock() - _OUR_FAULT:
            raise Transient(words) from error
        return words

    def _recovered(self, export: Export) -> bool:
        """Marks the export as recovered; returns False if parcels were kept at this very moment."""
        self.backlog.release(export)
        try:
            self.backlog.recovered(export)
        except Conflict:
            return not self.backlog.lease(export, self.clock(), self.clock() + _LEASE)
        return True

    def _begin_failing(self, export: Export, parcels: Sequence[ExportBatch], error: Transient) -> None:
        now = self.clock()
        wait = _wait(0, error)
        self.work.drain(export, wait)
        self.backlog.keep(export, parcels, str(error), now + wait, now)


def parcel_of(event: Event) -> ExportBatch:
    """Returns the parcel of an event."""
    moment = event.get("written_at") or event.get("finished_at") or event.get("last_time")
    return ExportBatch(key=str(event["id"]), since=datetime.fromisoformat(str(moment)), event=event)


def _wait(failures: int, error: Transient) -> timedelta:
    """Returns the delay that the receiver requested, or a longer one after several failures."""
    requested = timedelta(seconds=error.details.get("asked") or 0)
    return min(max(backoff(failures, random.random()), requested), _LONGEST_DELAY)
