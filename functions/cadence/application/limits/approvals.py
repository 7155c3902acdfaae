"""Approvals of treatments: asked for when the treatment is about to be placed, decided by people, timed out by the watchdog."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from cadence.application.shared.ports import Clock
from cadence.application.shared.run_ports import Deadlines, Machines, RunStore, TreatmentStore
from cadence.domain.limits.approval import ApprovalRequest, ApprovalVerdict, Decision, outcome
from cadence.domain.limits.environment_set import EnvironmentSet
from cadence.domain.runs.run import Run
from cadence.domain.shared.errors import Conflict, Forbidden, NotApproved, NotFound

_SLACK = timedelta(seconds=1)


class EnvironmentReader(Protocol):
    def get_environment(self, organization: str, project: str, name: str) -> EnvironmentSet:
        """Raises NotFound."""


class ApprovalStore(Protocol):
    """Requests for approval and their decisions (table `runs`). Reads are consistent."""

    def ask(self, request: ApprovalRequest) -> ApprovalRequest:
        """Stores it once; what was asked before is returned as it is."""

    def get_request(self, run_id: str, treatment: str) -> ApprovalRequest:
        """Raises NotFound."""

    def decide(self, decision: Decision) -> None:
        """Raises Conflict if this approver has decided before."""

    def decisions(self, run_id: str, treatment: str) -> Sequence[Decision]:
        """In the order in which they were made."""


@dataclass(frozen=True, kw_only=True)
class TreatmentApprovals:
    runs: RunStore
    treatments: TreatmentStore
    store: ApprovalStore
    environments: EnvironmentReader
    machines: Machines
    deadlines: Deadlines
    clock: Clock

    def missing(self, run: Run, environment: str, treatment: str) -> str | None:
        """What is waited for, in words; None if nothing is, or no more. Safe to repeat.

        Raises NotApproved if it was refused, not decided in time, or if the environment is gone.
        """
        try:
            asked = self.store.get_request(run.run_id, treatment)
        except NotFound:
            found = self._ask(run, environment, treatment)
            if found is None:
                return None
            asked = found
        decisions = self.store.decisions(run.run_id, treatment)
        verdict = outcome(asked, decisions)
        if verdict is ApprovalVerdict.APPROVE:
            return None
        if verdict is ApprovalVerdict.REFUSE:
            refusal = next(decision for decision in decisions if decision.verdict is ApprovalVerdict.REFUSE)
            said = f": {refusal.comment}" if refusal.comment else ""
            raise NotApproved(f"environment {environment}: refused by {refusal.by}{said}")
        if self.clock() >= asked.expires_at:
            seconds = int((asked.expires_at - asked.asked_at).total_seconds())
            raise NotApproved(f"environment {environment}: not approved within {seconds} s")
        many = f"{asked.required} approvals" if asked.required > 1 else "approval"
        return f"{many} for environment {environment}"

    def decided(self, run_id: str, treatment: str) -> bool:
        """Whether the treatment need not wait any longer, whatever follows."""
        try:
            asked = self.store.get_request(run_id, treatment)
        except NotFound:
            return True
        return outcome(asked, self.store.decisions(run_id, treatment)) is not None or self.clock() >= asked.expires_at

    def decide(
        self, run: Run, treatment: str, verdict: ApprovalVerdict, approver: str, name: str, by: str, comment: str
    ) -> Decision:
        """`approver` is the id of a token and `name` its name; `by` what is shown. Deciding again the same way changes nothing.

        Raises NotFound (it never asked), Conflict (it waits no more, or this approver decided otherwise), Forbidden.
        """
        asked = self._open(run, treatment)
        if asked.approvers is not None and name not in asked.approvers:
            raise Forbidden(f"Environment {asked.environment} is approved only by: {', '.join(asked.approvers)}.")
        if asked.not_by_starter and verdict is ApprovalVerdict.APPROVE and name == run.created_by:
            raise Forbidden(f"Environment {asked.environment} is not approved by whoever started the run.")
        decision = Decision(
            run_id=run.run_id,
            treatment=treatment,
            verdict=verdict,
            approver=approver,
            by=by,
            at=self.clock(),
            comment=comment,
        )
        try:
            self.store.decide(decision)
        except Conflict:
            made = {one.approver: one for one in self.store.decisions(run.run_id, treatment)}[approver]
            if made.verdict is not verdict:
                raise Conflict(f"{made.by} has decided already: {made.verdict}.") from None
            decision = made
        self._wake(run.run_id, treatment)
        return decision

    def look(self, run_id: str, treatment: str) -> None:
        """The watchdog's: wakes the treatment if its time is over or it was decided, else looks again."""
        try:
            asked, run = self.store.get_request(run_id, treatment), self.runs.get_run(run_id)
        except NotFound:
            return
        if run.state.final:
            return
        if self.decided(run_id, treatment):
            self._wake(run_id, treatment)
        else:
            self.deadlines.watch_approval(run_id, treatment, asked.expires_at - self.clock() + _SLACK)

    def _ask(self, run: Run, environment: str, treatment: str) -> ApprovalRequest | None:
        try:
            approvals = self.environments.get_environment(run.organization, run.project, environment).approvals
        except NotFound:
            raise NotApproved(f"project {run.project} has no environment {environment} any more") from None
        if approvals is None:
            return None
        now = self.clock()
        timeout = timedelta(seconds=approvals.timeout)
        # Before it is asked, so that every request is looked at when its time is over.
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
            asked = self.store.get_request(run.run_id, treatment)
        except NotFound:
            raise Conflict(f"Treatment {treatment} does not wait for an approval.") from None
        state = self.treatments.get_treatment(run.run_id, treatment).state
        if run.state.final or run.stop_requested or state.final or self.clock() >= asked.expires_at:
            raise Conflict(f"Treatment {treatment} waits for an approval no more.")
        return asked

    def _wake(self, run_id: str, treatment: str) -> None:
        if self.decided(run_id, treatment):
            token = self.treatments.get_treatment(run_id, treatment).turn_token
            if token:
                self.machines.succeed(token, {})
