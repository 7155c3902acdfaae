"""Lists the treatments that wait for an approval, and says for each whether the caller may decide."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cadence.application.limits.approvals import ApprovalStore
from cadence.application.runs.visible_runs import VisibleRuns
from cadence.application.shared.ports import Clock
from cadence.application.shared.run_ports import TreatmentStore
from cadence.domain.access.access import Permission, Principal
from cadence.domain.access.scopes import project_scope
from cadence.domain.limits.approval import ApprovalRequest, Approver, Decision, obstacle, outcome
from cadence.domain.runs.run import Run, Treatment
from cadence.domain.runs.run_filter import RunFilter
from cadence.domain.runs.states import RunState, TreatmentState
from cadence.domain.shared.errors import NotFound

MOST_RUNS = 100
_PER_PAGE = 2_000


@dataclass(frozen=True, kw_only=True)
class PendingApproval:
    """A treatment that waits for an approval. `obstacle` says why the caller cannot decide, None if it can."""

    run: Run
    request: ApprovalRequest
    decisions: Sequence[Decision]
    obstacle: str | None


@dataclass(frozen=True, kw_only=True)
class ListPendingApprovals:
    """Lists what waits in the newest running runs that a principal sees."""

    visible: VisibleRuns
    treatments: TreatmentStore
    store: ApprovalStore
    clock: Clock

    def list(self, principal: Principal, project: str | None = None) -> Sequence[PendingApproval]:
        """Returns them, the one that ends first in front. Raises NotFound for a project that is not seen."""
        page = self.visible.page(principal, MOST_RUNS, None, project, RunFilter(state=RunState.RUNNING))
        found = [pending for run in page.items for pending in self._of_run(principal, run)]
        return sorted(found, key=lambda pending: (pending.request.expires_at, pending.run.run_id))

    def _of_run(self, principal: Principal, run: Run) -> Iterator[PendingApproval]:
        for treatment in self._held(run.run_id):
            try:
                request = self.store.get_request(run.run_id, treatment.name)
            except NotFound:
                continue  # it waits for something else
            decisions = self.store.decisions(run.run_id, treatment.name)
            if outcome(request, decisions) is None and self.clock() < request.expires_at:
                yield PendingApproval(
                    run=run,
                    request=request,
                    decisions=decisions,
                    obstacle=_obstacle(principal, run, request, decisions),
                )

    def _held(self, run_id: str) -> Iterator[Treatment]:
        after = None
        while True:
            page = self.treatments.page_of_treatments(run_id, _PER_PAGE, after)
            for treatment in page.items:
                if treatment.waiting_for and treatment.state in (TreatmentState.READY, TreatmentState.PLACING):
                    yield treatment
            after = page.after
            if after is None:
                return


def _obstacle(principal: Principal, run: Run, request: ApprovalRequest, decisions: Sequence[Decision]) -> str | None:
    scopes = [
        project_scope(run.project, pipeline=run.pipeline),
        project_scope(run.project, environment=request.environment),
    ]
    if not any(principal.has(Permission.RUNS_APPROVE, scope) for scope in scopes):
        return "The permission runs:approve is missing."
    if any(decision.approver == principal.actor_id for decision in decisions):
        return "You have decided."
    return obstacle(request, Approver.of(principal), run.created_by)
