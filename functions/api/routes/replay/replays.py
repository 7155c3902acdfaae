"""Replays: a treatment once more with its original inputs, and the comparison."""

from typing import Any

from api.endpoint import Call, Endpoints, Reply
from api.routes.replay.replay_shapes import (
    ComparisonView,
    InputKit,
    KitView,
    ReplayBody,
    ReplayList,
    ReplayStarted,
    ReplaySummary,
    SentKit,
    comparison_view,
    execution_view,
)
from cadence.composition.api import Services
from cadence.domain.access.access import Permission
from cadence.domain.melodium.specification import ProgramSpec
from cadence.domain.melodium.stored_program import files_of
from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.runners.assignment import work_json
from cadence.domain.runs.run import Value
from cadence.domain.runs.stored_input import stored_values

endpoints = Endpoints("replays")


@endpoints.add(
    "POST",
    "/v1/runs/{run_id}/treatments/{treatment}/replay",
    Permission.RUNS_REPLAY,
    answers={201: ReplayStarted},
    errors=(404, 409, 410, 413, 415, 422),
    idempotency_key=True,
)
def replay(call: Call, services: Services, run_id: str, treatment: str, body: ReplayBody) -> Reply:
    """Runs a treatment once more with the inputs, parameters, environment, image and versions of secrets that it had.

    The replay is a run of its own, and triggers nothing. If something that it needs is no longer kept, the problem
    names it (410).
    """
    run = services.visible.get(call.by, run_id)
    original, frozen = services.replays.replay.start(run, treatment, body.pool, offline=body.offline)
    event = services.repositories.renew_protection.event(original.run)
    started = services.request_run.request(frozen, event, call.by.author, call.headers.get("idempotency-key"))
    services.replays.store.note(original.reference, started.run_id, started.created_at)
    answer = ReplayStarted(
        run_id=started.run_id,
        state=str(started.state),
        original=original.run.run_id,
        unlike=list(original.unlike),
    )
    return Reply(answer, 201, {"location": f"/v1/runs/{started.run_id}"})


@endpoints.add(
    "GET",
    "/v1/runs/{run_id}/treatments/{treatment}/replays",
    Permission.RUNS_READ,
    answers={200: ReplayList},
    errors=(404, 409, 410),
)
def list_replays(call: Call, services: Services, run_id: str, treatment: str) -> ReplayList:
    """Lists the replays of a treatment."""
    runs = services.replays.of.list(services.visible.get(call.by, run_id), treatment)
    return ReplayList(items=[ReplaySummary.model_validate(run) for run in runs])


@endpoints.add(
    "GET",
    "/v1/runs/{run_id}/comparison",
    Permission.VALUES_READ,
    answers={200: ComparisonView},
    errors=(404, 422),
)
def compare(call: Call, services: Services, run_id: str) -> ComparisonView:
    """Compares a replay with the original: whether both ended and sent the same, what differs first, and what that
    shows.
    """
    return comparison_view(services.replays.compare.compare(services.visible.get(call.by, run_id)))


@endpoints.add(
    "GET",
    "/v1/runs/{run_id}/treatments/{treatment}/replay-kit",
    Permission.VALUES_READ,
    answers={200: KitView},
    errors=(404, 409, 410),
)
def replay_kit(call: Call, services: Services, run_id: str, treatment: str) -> KitView:
    """Shows what replays a treatment on another machine.

    Its inputs are downloaded as values are, of the runs that are named.
    """
    original = services.replays.find.find(services.visible.get(call.by, run_id), treatment)
    ended = services.replays.compare.ended(original.run, treatment)
    spec = original.plan().specs[0]
    values = {(value.treatment, value.port): value for value in original.values}
    group = spec.group or spec.name
    durations = services.case_results.durations.run_durations(run_id, group) if spec.split else None
    read = original.spec.inputs
    fed = [
        (source_input.port, values.get((source_input.source_treatment or "", source_input.source_port or "")))
        for source_input in read
    ]
    return KitView(
        original=execution_view(ended),
        work=_work(services, work_json(original.run, spec, original.treatment.attempt, durations), spec),
        inputs=[
            InputKit(port=value.port, run_id=value.run_id, sha256=value.sha256, size=value.size)
            for value in stored_values(original.run.run_id, original.spec)
        ]
        + [
            InputKit(port=port, run_id=value.run_id, sha256=value.sha256, size=value.size)
            for port, value in fed
            if value is not None
        ],
        outputs={port: _sent(value) for port, value in ended.values.items()},
        secrets=dict(spec.secrets),
        unlike=list(original.unlike),
    )


def _sent(value: Value) -> SentKit:
    unkept = value.retention.reason if value.retention and value.passes else None
    return SentKit(sha256=value.digest, size=value.size, not_kept=unkept)


def _work(services: Services, work: dict[str, Any], spec: TreatmentSpec) -> dict[str, Any]:
    """Returns the work with the files of its program, which a kit includes."""
    if isinstance(spec.engine, ProgramSpec):
        file, files = files_of(services.documents.get(spec.engine.program))
        work["engine"]["program"] |= {"file": file, "files": dict(files)}
    return work
