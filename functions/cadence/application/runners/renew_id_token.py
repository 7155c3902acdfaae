"""Gives an agent at work a new identity token of its treatment, before the last one expires."""

from dataclasses import dataclass
from datetime import timedelta

from cadence.application.access.audited_request import note_hourly
from cadence.application.access.ports import AuditTrail
from cadence.application.limits.approvals import EnvironmentReader, closed_to_run
from cadence.application.runners.ports import IdTokenSigner
from cadence.application.runners.runner_tokens import runner_principal
from cadence.application.shared.ports import Clock
from cadence.application.shared.run_ports import TreatmentStore
from cadence.domain.access.audit import LONGEST_TARGET, AuditEntry, AuditKind
from cadence.domain.pipelines.forks import WITHHELD
from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.runners.id_token import LIFETIME, id_token_claims
from cadence.domain.runners.runner import Runner, session_over
from cadence.domain.runs.run import Run
from cadence.domain.shared.errors import Forbidden
from cadence.domain.triggers.git_events import from_fork

ACTION = "renew_id_token"


@dataclass(frozen=True, kw_only=True)
class RenewIdToken:
    """Signs identity tokens for runners whose session was checked: it ends with the attempt, and so does this."""

    treatments: TreatmentStore
    environments: EnvironmentReader
    audit: AuditTrail
    id_tokens: IdTokenSigner
    clock: Clock
    token_lifetime: timedelta = LIFETIME

    def renew(self, runner: Runner, issuer: str) -> str:
        """Returns a new token with the claims of this moment; `issuer` is this installation's address.

        Every call may be repeated; the audit log has one entry of an attempt and hour. Raises Forbidden if the
        treatment asks for no token or its environment is closed to the run by now, Gone if the attempt is to end.
        """
        if runner.cancel_reason:
            raise session_over(runner)
        context = self.treatments.get_context(runner.run_id, runner.treatment)
        self._check(context.run, context.spec)
        now = self.clock()
        claims = id_token_claims(context.run, context.spec, runner, issuer, now, self.token_lifetime)
        token = self.id_tokens.sign(claims, now)
        by = runner_principal(runner)
        place = f"/v1/runs/{runner.run_id}/treatments/{runner.treatment}: {context.spec.id_token}"
        entry = AuditEntry.by(by, now, AuditKind.SECRET, ACTION, place[:LONGEST_TARGET], project=by.project)
        note_hourly(self.audit, entry, ACTION, runner.runner_id)
        return token

    def _check(self, run: Run, spec: TreatmentSpec) -> None:
        if not spec.id_token:
            raise Forbidden("The treatment asks for no identity token: add id_token to its document.")
        if from_fork(run.event):
            raise Forbidden(WITHHELD)
        if reason := closed_to_run(self.environments, run, spec.environment):
            raise Forbidden(reason)
