"""Starts runs: of a document sent with the request, of a stored pipeline, or of an earlier run once more."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from cadence.application.access_ports import SeenStore
from cadence.application.identifiers import derived_ulid, new_ulid
from cadence.application.ports import Clock, Deadlines, RunStore
from cadence.application.run_gates import RunGates
from cadence.domain.errors import Conflict, Transient
from cadence.domain.run import ConcurrencyPolicy, Run, RunState

_KEY_KEPT = timedelta(days=1)
_START_CHECK = timedelta(seconds=60)


@dataclass(frozen=True)
class Frozen:
    """What a run executes, all by digest: nothing that changes afterwards changes the run."""

    organization: str
    project: str
    pipeline: str
    document_sha256: str
    plan_sha256: str
    max_duration: int
    parameters: Mapping[str, Any] = field(default_factory=dict)
    pipeline_version: int | None = None
    concurrency_group: str | None = None
    concurrency_policy: ConcurrencyPolicy = ConcurrencyPolicy.QUEUE
    priority: int = 0
    rerun_of: str | None = None
    kept_sha256: str | None = None

    def fingerprint(self) -> str:
        said = json.dumps([self.pipeline, self.document_sha256, self.parameters, self.kept_sha256], sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()


@dataclass(frozen=True)
class StartRun:
    """Creates the run, which then goes as far as its gates let it. Safe to repeat with the same `run_id`."""

    runs: RunStore
    gates: RunGates
    deadlines: Deadlines
    clock: Clock

    def __call__(self, run_id: str, frozen: Frozen, event: Mapping[str, Any], created_by: str) -> Run:
        run = Run(
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
            concurrency_group=frozen.concurrency_group,
            concurrency_policy=frozen.concurrency_policy,
            priority=frozen.priority,
            rerun_of=frozen.rerun_of,
            kept_sha256=frozen.kept_sha256,
        )
        # Before the run exists, so that one whose machine could not be started is always looked at again.
        self.deadlines.watch_run(run_id, _START_CHECK)
        try:
            self.runs.create_run(run)
        except Conflict:
            run = self.runs.get_run(run_id)
        try:
            return self.gates.proceed(run)
        except Transient:
            return run  # it is stored: the watchdog takes it on


@dataclass(frozen=True)
class RequestRun:
    """Starts a run that somebody asked for; the same `key` always means the same run."""

    start: StartRun
    seen: SeenStore
    clock: Clock

    def __call__(self, frozen: Frozen, event: Mapping[str, Any], created_by: str, key: str | None = None) -> Run:
        """Raises Conflict if `key` was used for something else."""
        return self.start(self._run_id(frozen, key), frozen, event, created_by)

    def _run_id(self, frozen: Frozen, key: str | None) -> str:
        now = self.clock()
        if key is None:
            return new_ulid(now)
        scope = (frozen.organization, frozen.project, key)
        digest = hashlib.sha256("\0".join(scope).encode()).hexdigest()
        seen = self.seen.first_seen(f"REQUEST#{digest}", frozen.fingerprint(), now, _KEY_KEPT)
        if seen.fingerprint != frozen.fingerprint():
            raise Conflict("This Idempotency-Key was used for a different run. Send a new key with a new request.")
        return derived_ulid(seen.first_seen, *scope)


def frozen_again(run: Run) -> Frozen:
    """What an earlier run executed, for another run of the same."""
    return Frozen(
        run.organization,
        run.project,
        run.pipeline,
        run.document_sha256,
        run.plan_sha256,
        run.max_duration,
        run.parameters,
        run.pipeline_version,
        run.concurrency_group,
        run.concurrency_policy,
        run.priority,
    )
