"""Gives an agent that calls home with its one-time token its assignment, once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from cadence.application.access.ports import AuditTrail
from cadence.application.limits.approvals import EnvironmentReader, closed_to_run
from cadence.application.runners.inputs import FirstChunks, InputAnswer
from cadence.application.runners.ports import EngineSecrets, IdTokenSigner
from cadence.application.runners.runner_tokens import (
    matches,
    refuse,
    refuse_runner,
    runner_principal,
    session_token,
    token_hash,
)
from cadence.application.scheduling.mark_started import MarkStarted
from cadence.application.shared.ports import Clock, PoolStore
from cadence.application.shared.resolve_secrets import decrypt_meant
from cadence.application.shared.run_ports import Machines, TreatmentStore
from cadence.application.shared.runner_ports import FollowedRunner, RunnerStore
from cadence.application.shared.secret_ports import Secret, SecretReader
from cadence.application.shared.secret_sources import ReadSecretSources
from cadence.application.shared.value_ports import ValueRetentionStore
from cadence.domain.access.audit import LONGEST_TARGET, AuditEntry, AuditKind
from cadence.domain.access.secret_owner import SecretUse
from cadence.domain.melodium import engines
from cadence.domain.pipelines.forks import WITHHELD
from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.placement.pool import HostIsolation, Pool
from cadence.domain.runners.id_token import LIFETIME, SHORTEST_LIFETIME, VARIABLE, id_token_claims
from cadence.domain.runners.runner import Runner, RunnerState, session_over
from cadence.domain.runs.run import Run
from cadence.domain.shared.errors import CannotRun, Conflict, NotFound, Transient
from cadence.domain.triggers.git_events import from_fork
from cadence.domain.values.value_retention import ValueRetention

HEARTBEAT_SECONDS = 10
LEASE_SECONDS = 45
# The agent itself ends a treatment that takes too long; the watchdog does if the agent has not by then.
DEADLINE_GRACE = timedelta(seconds=60)
_UNCLAIMED = frozenset({RunnerState.OFFERED, RunnerState.BOOTING})
_REFUSED = "The one-time token is not valid for this runner."


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """The work that an agent is to do.

    `isolation` is what the pool asks of its hosts (None: its machines are made for one treatment). `secrets` (values by
    environment name), `registries` (by host), `engine` (an engine's keys and token) and `session_token` are in no log
    or table. `inputs` are the first chunks of inputs whose producers have ended or write a stream, by
    port.
    """

    runner: Runner
    run: Run
    spec: TreatmentSpec
    secrets: Mapping[str, str] = field(repr=False)
    registries: Mapping[str, str] = field(repr=False)
    session_token: str = field(repr=False)
    followed: bool
    inputs: Mapping[str, InputAnswer] = field(repr=False)
    isolation: HostIsolation | None = None
    engine: Mapping[str, Any] = field(default_factory=dict, repr=False)
    durations: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ClaimAssignment:
    """Admits an agent by its one-time token, and opens its session."""

    treatments: TreatmentStore
    runners: RunnerStore
    secrets: SecretReader
    sources: ReadSecretSources
    environments: EnvironmentReader
    machines: Machines
    begin: MarkStarted
    engine_secrets: EngineSecrets
    pools: PoolStore
    retentions: ValueRetentionStore
    inputs: FirstChunks
    audit: AuditTrail
    id_tokens: IdTokenSigner
    clock: Clock
    note_spec: Callable[[str, TreatmentSpec], object]
    """Is called with the specification, which the agent's next calls need."""
    durations: Callable[[Run, TreatmentSpec], Mapping[str, float]]
    """Returns the durations by which the run divides the treatment's suite."""
    token_lifetime: timedelta = LIFETIME

    def claim(self, runner_id: str, token: str, nonce: str, facts: Mapping[str, Any], issuer: str = "") -> Assignment:
        """Claims a runner and returns its assignment; `facts` are the machine's properties as reported by the agent.

        `issuer` is this installation's address, which identity tokens name.

        Only the agent that made up `nonce` may repeat the call, if an answer was lost.
        Raises Unauthenticated (wrong or used token), Gone (too late, or cancelled), CannotRun (a secret is missing,
        withheld from this run, bound to another environment or refused by its source, the environment is closed to the
        run, or the pool no longer exists) and Transient (the source of a secret does not answer: claim again).
        """
        admitted = self._admit(runner_id, token, nonce)
        runner = admitted.runner
        context = self.treatments.get_context(runner.run_id, runner.treatment)
        run, spec = context.run, context.spec
        self.note_spec(run.run_id, spec)
        if reason := closed_to_run(self.environments, run, spec.environment):
            raise self._cannot_run(runner, CannotRun(reason))
        pool = self._pool(runner)
        secrets = self._sourced(runner, run, spec, self._secrets(runner, spec, run.event, pool), issuer)
        known = [secrets[name].value for name in sorted(set(spec.secrets.values()))]
        engine = self.engine_secrets(run, spec, runner.attempt, known) if spec.engine else {}
        session = session_token(token, nonce)
        if runner.state is not RunnerState.CLAIMED:
            # The pool's value retention at this moment holds for the whole attempt.
            retention = ValueRetention.of(pool.name, pool.policy.values)
            runner = self._take(runner, session, spec, facts, secrets, retention)
        if runner.retention:
            self.retentions.note(runner.run_id, runner.treatment, runner.attempt, runner.retention)
        self.begin.mark(runner, spec, ends_retention=run.keeps_values_elsewhere or runner.retention is not None)
        values = {variable: secrets[name].value for variable, name in spec.secrets.items()}
        logins = {host: secrets[name].value for host, name in spec.registries.items()}
        if spec.id_token:
            # As a secret: the agent masks it in the log, and overwrites it at the end.
            now = self.clock()
            values[VARIABLE] = self.id_tokens.sign(
                id_token_claims(run, spec, runner, issuer, now, self.token_lifetime), now
            )
        self._note_secrets(runner, secrets, spec.id_token)
        return Assignment(
            runner=runner,
            run=run,
            spec=spec,
            secrets=values,
            registries=logins,
            session_token=session,
            followed=admitted.is_followed(self.clock()),
            inputs=self.inputs(run.run_id, spec),
            isolation=pool.isolation,
            engine=engine,
            durations=self.durations(run, spec),
        )

    def _admit(self, runner_id: str, token: str, nonce: str) -> FollowedRunner:
        try:
            followed = self.runners.get_followed_runner(runner_id)
        except NotFound:
            raise refuse("unknown_runner", _REFUSED, runner_id=runner_id) from None
        runner = followed.runner
        if not matches(runner.one_time_hash, token):
            raise refuse_runner("wrong_one_time_token", _REFUSED, runner)
        if runner.state is RunnerState.CLAIMED and not matches(runner.session_hash, session_token(token, nonce)):
            raise refuse_runner("one_time_token_used_twice", _REFUSED, runner)
        if runner.state not in {*_UNCLAIMED, RunnerState.CLAIMED}:
            refuse("one_time_token_late", _REFUSED, runner_id=runner_id)
            raise session_over(runner)
        if runner.cancel_reason:
            raise session_over(runner)
        return followed

    def _secrets(
        self, runner: Runner, spec: TreatmentSpec, event: Mapping[str, Any], pool: Pool
    ) -> Mapping[str, Secret]:
        names = {*spec.secrets.values(), *spec.registries.values()}
        if (names or spec.id_token) and from_fork(event):
            # Admission skips such a treatment: this is a second barrier, should one come here nevertheless.
            raise self._cannot_run(runner, CannotRun(WITHHELD))
        if not names:
            return {}
        # Logins of registries are needed before a treatment, by admission: they are of no environment and no pool.
        own_use = SecretUse(spec.environment, pool.name if pool.serves(runner.project) else None)
        uses = {name: SecretUse() if name in spec.registries.values() else own_use for name in names}
        try:
            # Planning resolved the same names. If a secret was bound elsewhere or deleted since, the treatment can only
            # fail: at once, with the reason.
            return decrypt_meant(self.secrets, runner.organization, runner.project, uses, spec.secret_versions)
        except NotFound as error:
            raise self._cannot_run(runner, CannotRun(error.message)) from None
        except CannotRun as error:
            raise self._cannot_run(runner, error) from None

    def _sourced(
        self, runner: Runner, run: Run, spec: TreatmentSpec, secrets: Mapping[str, Secret], issuer: str
    ) -> Mapping[str, Secret]:
        """Returns the secrets with the values that their sources have now."""

        def identify(audience: str) -> str:
            now = self.clock()
            asked = replace(spec, id_token=audience)
            return self.id_tokens.sign(id_token_claims(run, asked, runner, issuer, now, SHORTEST_LIFETIME), now)

        try:
            return self.sources.read(
                runner.organization, runner.project, secrets, environment=spec.environment, identify=identify
            )
        except CannotRun as error:
            raise self._cannot_run(runner, error) from None
        except Transient as error:
            self._note_waiting(runner, error.message)
            raise

    def _note_waiting(self, runner: Runner, reason: str) -> None:
        """Notes what the runner waits for, which its treatment shows, also if the runner gives up."""
        if runner.state in _UNCLAIMED and runner.phase != reason:
            try:
                self.runners.change_runner(runner.runner_id, {runner.state}, phase=reason)
            except Conflict:
                return  # it moved on: then it waits no longer

    def _note_secrets(self, runner: Runner, secrets: Mapping[str, Secret], audience: str | None) -> None:
        """Records that secrets are handed over, by name and version: again whenever the answer is given again.

        An identity token is recorded by its audience.
        """
        place = f"/v1/runs/{runner.run_id}/treatments/{runner.treatment}"
        if secrets:
            names = ", ".join(f"{name} ({secrets[name]})" for name in sorted(secrets))
            self._note(runner, "hand_over_secrets", f"{place}: {names}")
        if audience:
            self._note(runner, "hand_over_id_token", f"{place}: {audience}")

    def _note(self, runner: Runner, action: str, target: str) -> None:
        by = runner_principal(runner)
        self.audit.note(
            AuditEntry.by(by, self.clock(), AuditKind.SECRET, action, target[:LONGEST_TARGET], project=by.project)
        )

    def _pool(self, runner: Runner) -> Pool:
        try:
            return self.pools.get_pool(runner.organization, runner.pool)
        except NotFound:
            raise self._cannot_run(runner, CannotRun(f"pool {runner.pool} does not exist any more")) from None

    def _cannot_run(self, runner: Runner, cause: CannotRun) -> CannotRun:
        if self.runners.declare_lost(runner) and runner.task_token:
            self.machines.fail(runner.task_token, cause)
        return cause

    def _take(
        self,
        runner: Runner,
        session: str,
        spec: TreatmentSpec,
        facts: Mapping[str, Any],
        secrets: Mapping[str, Secret],
        retention: ValueRetention | None,
    ) -> Runner:
        now = self.clock()
        try:
            return self.runners.change_runner(
                runner.runner_id,
                _UNCLAIMED,
                state=RunnerState.CLAIMED,
                session_hash=token_hash(session),
                claimed_at=now,
                lease_until=now + timedelta(seconds=LEASE_SECONDS),
                deadline=now + timedelta(seconds=spec.max_duration) + DEADLINE_GRACE,
                facts=facts,
                secret_versions={secret.owner.reference(name): secret.version for name, secret in secrets.items()},
                sealed_token=None,
                left_tokens={},
                retention=retention,
                engine=engines.needed(spec.engine),
            )
        except Conflict:
            current = self.runners.get_runner(runner.runner_id)
            if current.state is not RunnerState.CLAIMED:
                raise session_over(current) from None
            if not matches(current.session_hash, session):
                raise refuse_runner("one_time_token_used_twice", _REFUSED, runner) from None
            return current
