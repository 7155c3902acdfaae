"""Starts runs: of a document sent with the request, of a stored pipeline, or of an earlier run once more."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from cadence.application.access.ports import SeenStore
from cadence.application.limits.run_gates import RunGates
from cadence.application.pipelines.plan_run import PlanRun
from cadence.application.pipelines.run_request import RunRequest
from cadence.application.shared.identifiers import derived_ulid, new_ulid
from cadence.application.shared.ports import Clock
from cadence.application.shared.run_ports import Deadlines, RunStore
from cadence.domain.melodium.process import MelodiumRun
from cadence.domain.runs.run import Run, first_look
from cadence.domain.runs.states import RunState
from cadence.domain.shared.errors import Conflict, Transient

_KEY_KEPT = timedelta(days=1)


@dataclass(frozen=True)
class Ancestry:
    """The run that started this one, its treatment that did (None: its end did), and the number of such runs before.

    `generated`: with a document that was sent there.
    """

    run: str | None = None
    treatment: str | None = None
    depth: int = 0
    generated: bool = False


NO_ANCESTRY = Ancestry()


@dataclass(frozen=True)
class StartRun:
    """Creates runs and takes each as far as its gates let it."""

    runs: RunStore
    gates: RunGates
    deadlines: Deadlines
    clock: Clock

    def start(
        self,
        run_id: str,
        frozen: RunRequest,
        event: Mapping[str, Any],
        created_by: str,
        ancestry: Ancestry = NO_ANCESTRY,
        melodium: MelodiumRun | None = None,
    ) -> Run:
        """Creates the run, which then goes as far as its gates let it; returns it as it stands.

        `frozen` must have its plan. Safe to repeat with the same `run_id`.
        """
        # Before the run exists, so that a run whose machine could not be started is always looked at again.
        self.deadlines.watch_run(run_id, first_look(frozen.max_duration))
        requested = replace(self._run(run_id, frozen, event, created_by, ancestry), melodium=melodium)
        run = self._created(requested)
        try:
            return self.gates.proceed(run)
        except Transient:
            return run  # the run is stored: the watchdog takes it on

    def failed(
        self,
        run_id: str,
        frozen: RunRequest,
        event: Mapping[str, Any],
        created_by: str,
        cause: str,
        ancestry: Ancestry = NO_ANCESTRY,
    ) -> Run:
        """Creates a run that has failed before it could start, so that its cause can be seen."""
        run = self._run(run_id, frozen, event, created_by, ancestry)
        return self._created(replace(run, state=RunState.FAILED, cause=cause, finished_at=run.created_at))

    def _run(
        self, run_id: str, frozen: RunRequest, event: Mapping[str, Any], created_by: str, ancestry: Ancestry
    ) -> Run:
        return Run(
            run_id=run_id,
            organization=frozen.organization,
            project=frozen.project,
            pipeline=frozen.pipeline,
            state=RunState.PENDING,
            created_at=self.clock(),
            document_sha256=frozen.document_sha256,
            plan_sha256=frozen.plan_sha256,
            pipeline_version=frozen.pipeline_version,
            parameters=frozen.parameters,
            event=event,
            max_duration=frozen.max_duration,
            created_by=created_by,
            started_by_run=ancestry.run,
            started_by_treatment=ancestry.treatment,
            depth=ancestry.depth,
            generated=ancestry.generated,
            concurrency_group=frozen.concurrency_group,
            concurrency_policy=frozen.concurrency_policy,
            priority=frozen.priority,
            rerun_of=frozen.rerun_of,
            replay_of=frozen.replay_of,
            kept_sha256=frozen.kept_sha256,
            pins=frozen.pins,
        )

    def _created(self, run: Run) -> Run:
        """Stores the run, or returns the one that exists already."""
        try:
            self.runs.create_run(run)
        except Conflict:
            return self.runs.get_run(run.run_id)
        return run


@dataclass(frozen=True)
class RequestRun:
    """Starts a run that a user requested; the same `key` always means the same run."""

    plan: PlanRun
    start: StartRun
    seen: SeenStore
    clock: Clock

    def request(self, frozen: RunRequest, event: Mapping[str, Any], created_by: str, key: str | None = None) -> Run:
        """Starts the run and returns it.

        Raises Conflict if `key` was used for another request, InvalidDocument if no plan can be made for these values.
        """
        run_id = self._run_id(frozen, key)
        return self.start.start(run_id, self.plan.plan(run_id, frozen, event), event, created_by)

    def _run_id(self, frozen: RunRequest, key: str | None) -> str:
        now = self.clock()
        if key is None:
            return new_ulid(now)
        scope = (frozen.organization, frozen.project, key)
        digest = hashlib.sha256("\0".join(scope).encode()).hexdigest()
        earlier = self.seen.first_seen(f"REQUEST#{digest}", frozen.fingerprint(), now, _KEY_KEPT)
        if earlier.fingerprint != frozen.fingerprint():
            raise Conflict("This Idempotency-Key was used for a different run. Send a new key with a new request.")
        return derived_ulid(earlier.first_seen, *scope)
