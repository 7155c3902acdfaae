"""Replays a treatment of an earlier run with the inputs that it had."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cadence.application.melodium.capture_element import MAX_DURATION, CaptureElement
from cadence.application.pipelines.run_request import RunRequest, frozen_again
from cadence.application.replay.ports import ReplayStore
from cadence.application.runs.run_details import find_runner
from cadence.application.shared.ports import Documents, PoolStore
from cadence.application.shared.run_ports import RunStore, TreatmentStore, ValueStore
from cadence.application.shared.runner_ports import RunnerStore
from cadence.application.shared.secret_ports import SecretStore
from cadence.application.shared.value_ports import Chunks
from cadence.application.shared.workers import Workers, several_at_once
from cadence.domain.access.secret_owner import parse_reference
from cadence.domain.pipelines import plan
from cadence.domain.pipelines.image import parse_image
from cadence.domain.pipelines.specification import ConcurrencyPolicy, TreatmentKind, TreatmentSpec
from cadence.domain.pipelines.unknown_names import choices
from cadence.domain.placement.placing import misplaced
from cadence.domain.replay.planning import How, ReplayPlan, refusal, replay_plan, wanted
from cadence.domain.runners.runner import Runner
from cadence.domain.runs import rerun_reuse
from cadence.domain.runs.run import ReplayOf, Run, Treatment, Value
from cadence.domain.runs.stored_input import stored_values
from cadence.domain.shared.errors import Conflict, Gone, InvalidRequest, NotFound, Violation

MOST_LISTED = 10
_LONGEST_CHAIN = 20


@dataclass(frozen=True, kw_only=True)
class Original:
    """The replayed treatment: the run that executed it, its specification, and the values it read (in the order of its
    inputs).

    For a treatment inside of an engine, `spec` is that of another treatment that executes it. `unlike` states in words
    what cannot be reproduced exactly.
    """

    run: Run
    treatment: Treatment
    spec: TreatmentSpec
    runner: Runner | None
    values: Sequence[Value]
    unlike: Sequence[str]

    @property
    def reference(self) -> ReplayOf:
        """The run and the treatment that are replayed."""
        return ReplayOf(self.run.run_id, self.treatment.name)

    def plan(self, pools: tuple[str, ...] = (), *, offline: bool = False) -> ReplayPlan:
        """Returns the plan of a replay."""
        digest = self.runner.image_digest if self.runner else None
        versions = self.runner.secret_versions if self.runner else {}
        how = How(pools or self.spec.pools, offline, digest, versions)
        return replay_plan(self.spec, self.treatment, how)


@dataclass(frozen=True, kw_only=True)
class FindOriginal:
    """Finds what a replay needs of the original."""

    runs: RunStore
    treatments: TreatmentStore
    values: ValueStore
    runners: RunnerStore
    chunks: Chunks
    capture: CaptureElement
    workers: Workers = several_at_once

    def find(self, run: Run, name: str) -> Original:
        """Returns the original.

        Raises NotFound, Conflict (it cannot be replayed, with the reason), Gone (what it read is no longer kept, with a
        list).
        """
        run, treatment, spec = self.where_it_ran(run, name)
        if spec.kind is TreatmentKind.ELEMENT:
            spec = self.capture.capture(run, spec)
        runner = find_runner(self.runners, treatment)
        values = self._values(run, spec)
        return Original(
            run=run, treatment=treatment, spec=spec, runner=runner, values=values, unlike=_unlike(spec, runner)
        )

    def where_it_ran(self, run: Run, name: str) -> tuple[Run, Treatment, TreatmentSpec]:
        """Returns the run that executed the treatment: reruns and replays reuse the results of others."""
        for _ in range(_LONGEST_CHAIN):
            try:
                context = self.treatments.get_context(run.run_id, name)
            except NotFound:
                names = [one.name for one in self.treatments.list_treatments(run.run_id)]
                raise NotFound(f"Run {run.run_id} has no treatment {name!r}.{choices(name, names)}") from None
            kept_from = context.treatment.kept_from
            if kept_from is None:
                refused = refusal(context.spec, context.treatment)
                if refused:
                    raise Conflict(refused, state=str(context.treatment.state))
                return context.run, context.treatment, context.spec
            try:
                run = self.runs.get_run(kept_from)
            except NotFound:
                raise Gone(f"{name} ran in run {kept_from}, which is no longer kept.") from None
        raise Conflict(f"The run that executed {name} cannot be determined.")

    def _values(self, run: Run, spec: TreatmentSpec) -> Sequence[Value]:
        ports = wanted(spec)
        by_port = {(value.treatment, value.port): value for value in self.values.get_values(run.run_id, ports)}
        for producer, port in ports:
            if (producer, port) not in by_port:
                self._refuse_unsent(run, producer, port)
        values = [by_port[port] for port in ports]
        _refuse_unkept(spec, values)
        read = [*values, *stored_values(run.run_id, spec)]
        stored = self.workers(lambda value: self.chunks.exists(value.chunk_key(0)), read)
        missing = [value for value, exists in zip(read, stored, strict=True) if not exists]
        if missing:
            listed = ", ".join(f"{value.treatment}.{value.port} ({value.size:,} bytes)" for value in missing)
            raise Gone(
                f"{spec.name} cannot be replayed any more: what it read is no longer kept: {listed}.",
                missing=[f"{value.treatment}.{value.port}" for value in missing],
            )
        return values

    def _refuse_unsent(self, run: Run, producer: str, port: str) -> None:
        state = self.treatments.get_treatment(run.run_id, producer).state
        output = f"what {producer} sent through {port}"
        if not state.final:
            raise Conflict(f"{output} is not complete yet: {producer} is {state}.", state=str(state))
        raise Conflict(f"{output} was never complete: {producer} ended {state}.", state=str(state))


@dataclass(frozen=True)
class Replay:
    """Prepares replays."""

    find: FindOriginal
    documents: Documents
    secrets: SecretStore
    pools: PoolStore

    def start(
        self, run: Run, name: str, pool: str | None = None, *, offline: bool = False
    ) -> tuple[Original, RunRequest]:
        """Returns the original and the request of its replay. `offline` has no network.

        Raises what `FindOriginal` raises, Gone for secrets and pools as well, InvalidRequest for a pool that cannot be
        used.
        """
        original = self.find.find(run, name)
        if offline and original.spec.services:
            raise Conflict(f"{name} has services, so it cannot be cut off the network.")
        self._require_secrets(original)
        pools = self._pools(original, pool)
        replay = original.plan(pools, offline=offline)
        return original, self._request(original, replay)

    def _request(self, original: Original, replay: ReplayPlan) -> RunRequest:
        return dataclasses.replace(
            _base_request(original),
            plan_sha256=self.documents.put(plan.encode(replay.specs)),
            kept_sha256=self.documents.put(rerun_reuse.encode(replay.kept)),
            replay_of=original.reference,
            # A replay is no run of its group: it must neither wait for the group's runs nor end them.
            concurrency_group=None,
            concurrency_policy=ConcurrencyPolicy.QUEUE,
        )

    def _require_secrets(self, original: Original) -> None:
        run, versions = original.run, _versions(original.spec, original.runner)
        missing = [
            f"version {version} of the secret {parse_reference(reference)[1]}"
            for reference, version in sorted(versions.items())
            if not self.secrets.has(run.organization, run.project, reference, version)
        ]
        if missing:
            raise Gone(
                f"{original.spec.name} cannot be replayed any more: {' and '.join(missing)} is no longer kept.",
                missing=missing,
            )

    def _pools(self, original: Original, pool: str | None) -> tuple[str, ...]:
        run = original.run
        pools = {each.name: each for each in self.pools.list_pools(run.organization) if each.serves(run.project)}
        usable = set(pools)
        if pool is not None:
            message = f"There is no pool {pool!r} for project {run.project}."
            if pool in pools:
                message = misplaced(pools[pool], original.spec) or ""
            if message:
                raise InvalidRequest(message, [Violation("/pool", message)])
        required = original.spec.pools
        if pool is None and required and not usable & set(required):
            listed = ", ".join(required)
            message = f"{original.spec.name} ran in the pools {listed}, which are no longer there: name another one."
            raise Gone(message, missing=[f"pool {name}" for name in required])
        return (pool,) if pool else ()


@dataclass(frozen=True)
class ListReplays:
    """Lists the replays of a treatment."""

    runs: RunStore
    find: FindOriginal
    store: ReplayStore

    def list(self, run: Run, name: str) -> Sequence[Run]:
        """Returns the newest replays of a treatment, newest first. Raises what `FindOriginal.where_it_ran` raises."""
        run, treatment, _ = self.find.where_it_ran(run, name)
        names = self.store.newest(ReplayOf(run.run_id, treatment.name), MOST_LISTED)
        runs = self.runs.get_runs(names)
        return [runs[each] for each in names if each in runs]


def _refuse_unkept(spec: TreatmentSpec, values: Sequence[Value]) -> None:
    """Raises Gone for values that only their own run may read, also while their content still exists."""
    unkept = [value for value in values if value.passes]
    if unkept:
        listed = ", ".join(f"{value.treatment}.{value.port} ({value.size:,} bytes)" for value in unkept)
        reasons = " and ".join(sorted({value.retention.reason for value in unkept if value.retention}))
        raise Gone(
            f"{spec.name} cannot be replayed: what it read is not kept: {listed}: {reasons}.",
            missing=[f"{value.treatment}.{value.port}" for value in unkept],
        )


def _base_request(original: Original) -> RunRequest:
    """Returns the request to start from; what an engine executed has no plan that could be followed again."""
    run = original.run
    if original.treatment.kind is not TreatmentKind.ELEMENT:
        return frozen_again(run)
    return RunRequest(
        organization=run.organization,
        project=run.project,
        pipeline=run.pipeline,
        document_sha256=run.document_sha256,
        plan_sha256="",
        max_duration=2 * MAX_DURATION,
    )


def _versions(spec: TreatmentSpec, runner: Runner | None) -> Mapping[str, int]:
    """Returns the versions that the treatment was given, by references of secrets."""
    versions = runner.secret_versions if runner else {}
    named = set(spec.secrets.values())
    return {reference: versions[reference] for reference in versions if parse_reference(reference)[1] in named}


def _unlike(spec: TreatmentSpec, runner: Runner | None) -> Sequence[str]:
    differences = []
    images = [(image, "It") for image in [spec.image] if image]
    images += [(service.image, f"The service {service.name}") for service in spec.services]
    for image, subject in images:
        digest = runner.image_digest if runner and subject == "It" else None
        parsed = parse_image(image)
        if parsed.digest or (digest and not parsed.is_local):
            continue
        was = f" (then {digest[:19]})" if digest else ""
        differences.append(
            f"{subject} runs in the image that {image} is on its runner today{was}: no registry knew its digest then."
        )
    differences += [f"The cache {cache.key} is as it is today, and empty on another machine." for cache in spec.caches]
    unknown = set(spec.secrets.values()) - {parse_reference(reference)[1] for reference in _versions(spec, runner)}
    differences += [
        f"The version of the secret {name} that it had is not known: it gets today's." for name in sorted(unknown)
    ]
    return differences
