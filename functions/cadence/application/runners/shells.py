"""Interactive shells of users on runners that work: who may ask for one, and whose are still permitted."""

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cadence.application.access.audited_request import AuditedRequest
from cadence.application.access.authenticate import Authenticate, require
from cadence.application.runners.runner_sessions import RunnerSessions
from cadence.application.runners.runner_tokens import runner_principal
from cadence.application.shared.run_ports import RunStore
from cadence.application.shared.runner_ports import RunnerStore
from cadence.domain.access.access import Permission, Principal
from cadence.domain.access.audit import AuditKind
from cadence.domain.pipelines.specification import TreatmentKind, TreatmentSpec
from cadence.domain.runners.runner import Runner, RunnerShell, RunnerState
from cadence.domain.runs.run import Treatment
from cadence.domain.shared import ids
from cadence.domain.shared.errors import CadenceError, Conflict, Forbidden, NotFound, Unauthenticated

_MOST_SHELLS = 8
_SHELL_ID = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True)
class OpenShell:
    """Records that a user wants a shell; the runner learns it from the answer to its next heartbeat."""

    runners: RunnerStore

    def open(self, by: Principal, spec: TreatmentSpec, treatment: Treatment) -> tuple[str, Runner]:
        """Returns the id of a new shell, and the runner where it opens.

        A runner keeps the newest eight. Raises Conflict unless the treatment's command is run by a runner now.
        """
        if spec.kind is not TreatmentKind.COMMAND:
            raise Conflict(f"{treatment.name} has no runner of its own: name one of the treatments that it starts.")
        if spec.engine is not None:
            raise Conflict(f"{treatment.name} is run by a Mélodium engine, beside which there is no shell.")
        try:
            runner = self.runners.get_runner(ids.runner_id(treatment.run_id, treatment.name, treatment.attempt))
        except NotFound:
            runner = None
        if runner is None or runner.state is not RunnerState.CLAIMED:
            raise Conflict(f"{treatment.name} is {treatment.state}: a shell needs a runner that is working.")
        shell_id = secrets.token_hex(16)
        kept = dict(list(runner.shells.items())[1 - _MOST_SHELLS :])
        try:
            changed = self.runners.change_runner(
                runner.runner_id,
                {RunnerState.CLAIMED},
                shells={**kept, shell_id: RunnerShell(by.token_id, by.author)},
            )
        except Conflict:
            raise Conflict(f"{treatment.name} has just ended: a shell needs a runner that is working.") from None
        return shell_id, changed


@dataclass(frozen=True)
class PermittedShells:
    """Decides which shells of a runner are permitted now: rights may have ended since they were asked for."""

    authenticate: Authenticate
    runs: RunStore

    def of(self, runner: Runner) -> Mapping[str, str]:
        """Returns the users of the runner's permitted shells, by the shell's id. Reads nothing if it has no shell."""
        return {shell: held.by for shell, held in runner.shells.items() if self._is_permitted(held, runner)}

    def check(self, by: Principal, runner: Runner) -> None:
        """Raises Forbidden unless the principal may open a shell on the runner."""
        by = require(by, Permission.RUNS_SHELL)
        run = self.runs.get_run(runner.run_id)
        if not by.sees(run.organization, run.project, pipeline=run.pipeline):
            raise Forbidden(
                f"The account {by.name!r} lacks the permission {Permission.RUNS_SHELL} in the project {run.project}.",
                permission=Permission.RUNS_SHELL,
            )

    def _is_permitted(self, held: RunnerShell, runner: Runner) -> bool:
        try:
            self.check(self.authenticate.of_token(held.token_id, runner.organization), runner)
        except (Unauthenticated, Forbidden, NotFound):
            return False
        return True


@dataclass(frozen=True, kw_only=True)
class JoinShell:
    """Checks the two ends that join the tunnel of a shell: the user who asked for it, and the runner's agent."""

    runners: RunnerStore
    sessions: RunnerSessions
    permitted: PermittedShells
    audited: Callable[[str, str, str], AuditedRequest]

    def check_user(self, run_id: str, shell_id: str, runner_id: str, token: str, source: str = "") -> None:
        """Raises Unauthenticated, Forbidden, or NotFound for a shell that was not asked for with this token."""
        audit = self._audited(run_id, shell_id, source)
        by = None
        try:
            runner = self._runner(run_id, shell_id, runner_id)
            by = self.permitted.authenticate.authenticate(f"Bearer {token}", runner.organization)
            if runner.shells[shell_id].token_id != by.token_id:
                raise _missing(shell_id)
            self.permitted.check(by, runner)
        except CadenceError as error:
            audit.refuse(by, error)
            raise
        audit.accept_hourly(by, AuditKind.CHANGE, runner.project)

    def check_runner(self, run_id: str, shell_id: str, runner_id: str, session: str, source: str = "") -> None:
        """Raises Unauthenticated, Gone, or Forbidden for a runner on which nobody has asked for this shell."""
        audit = self._audited(run_id, shell_id, source)
        by = None
        try:
            runner = self.sessions.check(runner_id, f"Bearer {session}")
            by = runner_principal(runner)
            if runner.run_id != run_id or shell_id not in runner.shells:
                raise Forbidden(f"Nobody has asked for the shell {shell_id} on runner {runner_id}.")
        except CadenceError as error:
            audit.refuse(by, error)
            raise
        audit.accept_hourly(by, AuditKind.CHANGE, runner.project)

    def _runner(self, run_id: str, shell_id: str, runner_id: str) -> Runner:
        try:
            runner = self.runners.get_runner(runner_id)
        except NotFound:
            raise _missing(shell_id) from None
        if runner.run_id != run_id or shell_id not in runner.shells:
            raise _missing(shell_id)
        return runner

    def _audited(self, run_id: str, shell_id: str, source: str) -> AuditedRequest:
        return self.audited("join_shell", f"/v1/runs/{run_id}/shells/{shell_id}", source)


def is_shell_id(text: str) -> bool:
    """Returns whether a text has the form of a shell's id."""
    return _SHELL_ID.fullmatch(text) is not None


def _missing(shell_id: str) -> NotFound:
    return NotFound(f"There is no shell {shell_id} here: ask for one.")
