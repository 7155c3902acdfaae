"""Keeps what legal holds cover from expiring by itself, in passes that another process can continue at any point.

Tables and buckets of AWS delete by age, and know no exceptions. So whatever would be deleted soon is made younger: the
expiry of items is set later, objects are written again. Once a hold is released, this stops, and age counts on.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cadence.application.deletion.hold_ports import HeldItems, HoldStore, ObjectRenewal, RenewedObjects
from cadence.application.shared.ports import Clock
from cadence.application.shared.storage import StorageLedger
from cadence.domain.deletion.legal_hold import LegalHold
from cadence.domain.shared.errors import CadenceError, Conflict

_log = logging.getLogger("cadence.deletion")

# Longer than a process of the Lambda can live.
_LEASE = timedelta(minutes=16)
_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class KeepHeld:
    """Makes a pass over what each hold covers, several times within the buckets' shortest age `longest`."""

    store: HoldStore
    items: HeldItems
    objects: ObjectRenewal
    storage: StorageLedger
    clock: Clock
    longest: timedelta

    def work(self, seconds_left: Callable[[], float], least: float = 60.0) -> dict[str, int]:
        """Goes as far as there is time for; the next call continues. Returns counts by holds, runs, items, objects."""
        done = {"holds": 0, "held_runs": 0, "renewed_items": 0, "renewed_objects": 0}
        for hold in self.store.list_on():
            if seconds_left() <= least:
                break
            if not self._due(hold):
                continue
            done["holds"] += 1
            try:
                self._pass(hold, lambda: seconds_left() <= least, done)
            except Conflict:
                continue  # another process works on it, or it was released
            except CadenceError as error:
                # The next call goes on once the lease is over; the other holds do not wait for this one.
                _log.error(
                    "what a legal hold covers could not be kept from expiring",
                    extra={"hold": hold.hold_id, "project": hold.project, "cause": error.message},
                )
        return done

    def _due(self, hold: LegalHold) -> bool:
        return hold.renewed_at is None or self.clock() - hold.renewed_at >= min(_DAY, self.longest / 4)

    def _pass(self, hold: LegalHold, over: Callable[[], bool], done: dict[str, int]) -> None:
        now = self.clock()
        self.store.lease(hold, now, now + _LEASE)
        through = hold.renewed_through
        runs: Iterable[tuple[str, str]] = (
            [(hold.run_id, hold.run_id)] if hold.run_id else self.items.runs(hold.organization, hold.project, through)
        )
        for position, run_id in runs:
            if over():
                if through is not None:
                    self.store.note_progress(hold, through)
                return
            done["renewed_items"] += self.items.renew_run(run_id, now)
            for prefix in self.items.prefixes(run_id):
                done["renewed_objects"] += self._renew(hold, prefix, now)
            done["held_runs"] += 1
            through = position
        if hold.run_id is None:
            done["renewed_objects"] += self._renew(hold, f"sources/{hold.organization}/{hold.project}/", now)
        self.store.note_pass(hold, now)

    def _renew(self, hold: LegalHold, prefix: str, now: datetime) -> int:
        renewed: RenewedObjects = self.objects.renew(prefix, now - self.longest / 2)
        today = f"{now:%Y-%m-%d}"
        for day, size in renewed.days.items():
            # The count of a day ends with the age rule: what is kept longer counts from today.
            self.storage.add(hold.organization, hold.project, today, size)
            self.storage.add(hold.organization, hold.project, day, -size)
        return renewed.objects
