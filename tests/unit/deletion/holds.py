"""Legal holds in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from cadence.application.deletion.hold_ports import HoldStore
from cadence.domain.deletion.legal_hold import LegalHold
from cadence.domain.shared.errors import Conflict, NotFound


def hold(hold_id: str, project: str, run_id: str | None = None, organization: str = "acme") -> LegalHold:
    return LegalHold(
        hold_id=hold_id,
        organization=organization,
        project=project,
        run_id=run_id,
        reason="case 7",
        set_at=datetime(2026, 11, 30, 9, tzinfo=UTC),
        set_by="member:ada",
    )


@dataclass
class MemoryHolds(HoldStore):
    stored: dict[str, LegalHold] = field(default_factory=dict)

    def add(self, hold: LegalHold) -> None:
        self.stored[hold.hold_id] = hold

    def get(self, organization: str, hold_id: str) -> LegalHold:
        if hold_id not in self.stored:
            raise NotFound(hold_id)
        return self.stored[hold_id]

    def list(self, organization: str) -> Sequence[LegalHold]:
        return [one for one in self.stored.values() if one.organization == organization]

    def list_on(self) -> Sequence[LegalHold]:
        return [one for one in self.stored.values() if one.on]

    def release(self, hold: LegalHold, at: datetime, by: str) -> LegalHold:
        if not self.stored[hold.hold_id].on:
            raise Conflict(hold.hold_id)
        return self._set(hold, released_at=at, released_by=by)

    def lease(self, hold: LegalHold, now: datetime, until: datetime) -> None:
        leased = self.stored[hold.hold_id].leased_until
        if leased is not None and leased > now:
            raise Conflict(hold.hold_id)
        self._set(hold, leased_until=until)

    def note_progress(self, hold: LegalHold, through: str) -> None:
        self._set(hold, renewed_through=through, leased_until=None)

    def note_pass(self, hold: LegalHold, at: datetime) -> None:
        self._set(hold, renewed_at=at, renewed_through=None, leased_until=None)

    def _set(self, hold: LegalHold, **changes: object) -> LegalHold:
        self.stored[hold.hold_id] = replace(self.stored[hold.hold_id], **changes)  # type: ignore[arg-type]
        return self.stored[hold.hold_id]
