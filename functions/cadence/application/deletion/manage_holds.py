"""Sets and releases legal holds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cadence.application.deletion.hold_ports import HoldStore, HoldWork
from cadence.application.shared.ports import Clock
from cadence.domain.access.access import Principal, Project
from cadence.domain.deletion.legal_hold import LegalHold
from cadence.domain.shared.errors import Conflict, InvalidRequest, NotFound, Violation


@dataclass(frozen=True, kw_only=True)
class ManageHolds:
    """Legal holds on projects and runs. Several may be on the same: each is released by itself."""

    store: HoldStore
    work: HoldWork
    new_id: Callable[[datetime], str]
    clock: Clock

    def set(self, by: Principal, project: Project, reason: str, run_id: str | None = None) -> LegalHold:
        """Sets a hold on a project or on one run of it, which the caller has looked up.

        Raises InvalidRequest without a reason, Conflict if the project is being deleted.
        """
        if not reason.strip():
            message = "A hold needs a reason, for those who will ask why nothing is deleted."
            raise InvalidRequest(message, [Violation("/reason", message, "missing_reason")])
        now = self.clock()
        hold = LegalHold(
            hold_id=self.new_id(now),
            organization=project.organization,
            project=project.name,
            run_id=run_id,
            reason=reason.strip(),
            set_at=now,
            set_by=by.actor_id,
        )
        try:
            self.store.add(hold)
        except Conflict:
            message = f"The project {project.name!r} is being deleted, or is gone: it cannot be held any more."
            raise Conflict(message) from None
        self.work.wake()
        return hold

    def list(self, organization: str, project: str) -> Sequence[LegalHold]:
        """Returns the holds on a project and its runs, released ones too, the newest first."""
        return [hold for hold in self.store.list(organization) if hold.project == project]

    def release(self, by: Principal, project: Project, hold_id: str) -> LegalHold:
        """Releases a hold; what it held expires again as what is not held. Raises NotFound, Conflict."""
        hold = self.store.get(project.organization, hold_id)
        if hold.project != project.name:
            raise NotFound(f"Project {project.name} has no hold {hold_id!r}.")
        try:
            return self.store.release(hold, self.clock(), by.actor_id)
        except Conflict:
            raise Conflict(f"The hold {hold_id} was released before.") from None
