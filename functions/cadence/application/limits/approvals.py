"""Approvals of treatments: requested before a treatment is placed, decided by users, timed out by the watchdog."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from cadence.application.shared.ports import Clock
from cadence.application.shared.run_ports import Deadlines, Machines, RunStore, TreatmentStore
from cadence.domain.limits.approval import ApprovalRequest, ApprovalVerdict, Approver, Decision, obstacle, outcome
from cadence.domain.limits.environment_set import EnvironmentSet
from cadence.domain.runs.run import Run
from cadence.domain.shared.errors import Conflict, Forbidden, NotApproved, NotFound

_SLACK = timedelta(seconds=1)


class EnvironmentReader(Protocol):
    """Reads environments."""

    def get_environment(self, organization: str, project: str, name: str) -> EnvironmentSet:
        """Returns an environment. Raises NotFound."""


def closed_to_run(environments: EnvironmentReader, run: Run, name: str | None) -> str | None:
    """Returns the reason, in a sentence, why a run may not use an environment now; None if it may, or without one.

    Planning decided that it may, but the environment's rules may have changed since.
    """
    if name is None:
        return None
    try:
        environment = environments.get_environment(run.organization, run.project, name)
    except NotFound as error:
        return error.message
    return environment.closed_to(run.event)


class ApprovalStore(Protocol):
    """Requests for approval and their decisions (table `runs`). Reads are consistent."""

    def ask(self, request: ApprovalRequest) -> ApprovalRequest:
        """Stores the request once; returns the one that was stored first."""

    def get_request(self, run_id: str, treatment: str) -> ApprovalRequest:
        """Returns the treatment's request. Raises NotFound."""

    def decide(self, decision: Decision) -> None:
        """Stores a decision. Raises Conflict if this approver has decided before."""

    def decisions(self, run_id: str, treatment: str) -> Sequence[Decision]:
        """Returns the decisions in the order in which they were made."""


@dataclass(frozen=True, kw_only=True)
class TreatmentApprovals:
    """Requests and decides approvals."""

    runs: RunStore
    treatments: TreatmentStore
    store: ApprovalStore
    environments: EnvironmentReader
    machines: Machines
    deadlines: Deadlines
    clock: Clock

    def missing(self, run: Run, environment: str, treatment: str) -> str | None:
        """Returns in words what is waited for; None if nothing is (any more). Safe to repeat.

        Raises NotApproved if it was refused, not decided in time, or if the environment is gone.
        """
        try:
            request = self.store.get_request(run.run_id, treatment)
        except NotFound:
            new_request = self._ask(run, environment, treatment)
            if new_request is None:
                return None
            request = new_request
        decisions = self.store.decisions(run.run_id, treatment)
        verdict = outcome(request, decisions)
        if verdict is ApprovalVerdict.APPROVE:
            return None
        if verdict is ApprovalVerdict.REFUSE:
            refusal = next(decision for decision in decisions if decision.verdict is ApprovalVerdict.REFUSE)
            comment = f": {refusal.comment}" if refusal.comment else ""
            raise NotApproved(f"environment {environment}: refused by {refusal.by}{comment}")
        if self.clock() >= request.expires_at:
            seconds = int((request.expires_at - request.asked_at).total_seconds())
            raise NotApproved(f"environment {environment}: not approved within {seconds} s")
        count = f"{request.required} approvals" if request.required > 1 else "approval"
        return f"{count} for environment {environment}"

    def decided(self, run_id: str, treatment: str) -> bool:
        """Whether the treatment need not wait any longer, whatever the decision."""
        try:
            request = self.store.get_request(run_id, treatment)
        except NotFound:
            return True
        return (
            outcome(request, self.store.decisions(run_id, treatment)) is not None or self.clock() >= request.expires_at
        )

    def decide(
        self, run: Run, treatment: str, verdict: ApprovalVerdict, approver: Approver, by: str, comment: str
    ) -> Decision:
        """Decides in the name of an approver. Deciding again the same way changes nothing.

        `by` is shown to users. Raises Conflict (the treatment does not wait for an approval, or this approver decided
        otherwise), Forbidden.
        """
        request = self._open(run, treatment)
        starter = run.created_by if verdict is ApprovalVerdict.APPROVE else ""  # who may refuse in any case
        if reason := obstacle(request, approver, starter):
            raise Forbidden(reason)
        decision = Decision(
            run_id=run.run_id,
            treatment=treatment,
            verdict=verdict,
            approver=approver.actor,
            by=by,
            at=self.clock(),
            comment=comment,
        )
        try:
            self.store.decide(decision)
        except Conflict:
            decisions = self.store.decisions(run.run_id, treatment)
            earlier = {other.approver: other for other in decisions}[approver.actor]
            if earlier.verdict is not verdict:
                raise Conflict(f"{earlier.by} has decided already: {earlier.verdict}.") from None
            decision = earlier
        self._wake(run.run_id, treatment)
        return decision

    def look(self, run_id: str, treatment: str) -> None:
        """Wakes the treatment if its time is over or it was decided, else requests the watchdog's next look."""
        try:
            request, run = self.store.get_request(run_id, treatment), self.runs.get_run(run_id)
        except NotFound:
            return
        if run.state.final:
            return
        if self.decided(run_id, treatment):
            self._wake(run_id, treatment)
        else:
            self.deadlines.watch_approval(run_id, treatment, request.expires_at - self.clock() + _SLACK)

    def _ask(self, run: Run, environment: str, treatment: str) -> ApprovalRequest | None:
        try:
            approvals = self.environments.get_environment(run.organization, run.project, environment).approvals
        except NotFound:
            raise NotApproved(f"project {run.project} has no environment {environment} any more") from None
        if approvals is None:
            return None
        now = self.clock()
        timeout = timedelta(seconds=approvals.timeout)
        # Before the request is stored, so that each is looked at when its time is over.
        self.deadlines.watch_approval(run.run_id, treatment, timeout + _SLACK)
        request = ApprovalRequest(
            run_id=run.run_id,
            treatment=treatment,
            environment=environment,
            required=approvals.required,
            approvers=approvals.approvers,
            not_by_starter=approvals.not_by_starter,
            asked_at=now,
            expires_at=now + timeout,
        )
        return self.store.ask(request)

    def _open(self, run: Run, treatment: str) -> ApprovalRequest:
        try:
            request = self.store.get_request(run.run_id, treatment)
        except NotFound:
            raise Conflict(f"Treatment {treatment} does not wait for an approval.") from None
        state = self.treatments.get_treatment(run.run_id, treatment).state
        if run.state.final or run.stop_requested or state.final or self.clock() >= request.expires_at:
            raise Conflict(f"Treatment {treatment} no longer waits for an approval.")
        return request

    def _wake(self, run_id: str, treatment: str) -> None:
        if self.decided(run_id, treatment):
            token = self.treatments.get_treatment(run_id, treatment).turn_token
            if token:
                self.machines.succeed(token, {})
