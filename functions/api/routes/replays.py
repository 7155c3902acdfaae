"""Replays: a treatment once more with what it had, and what that shows."""

from pydantic import Field

from api.endpoint import Body, Call, Endpoints, Model, Reply
from api.shapes import Name
from cadence.composition.api import Services
from cadence.domain.access import Permission

endpoints = Endpoints("replays")


class ReplayBody(Body):
    """`pool` instead of those that the treatment names; `offline` without any network."""

    pool: Name | None = None
    offline: bool = False


class ReplayStarted(Model):
    """`run_id` is the replay's; `original` the run in which the treatment really ran."""

    run_id: str
    state: str
    original: str
    unlike: list[str] = Field(description="What of then cannot be had again exactly, in words.")


@endpoints.add(
    "POST",
    "/v1/runs/{run_id}/treatments/{treatment}/replay",
    Permission.RUNS_REPLAY,
    answers={201: ReplayStarted},
    errors=(404, 409, 410, 413, 415, 422),
    idempotency_key=True,
)
def replay(call: Call, services: Services, run_id: str, treatment: str, body: ReplayBody) -> Reply:
    """Run a treatment once more with the inputs, parameters, environment, image and versions of secrets that it had.

    The replay is a run of its own that nothing follows from. What it needs and is no longer kept is named (410).
    """
    run = services.visible.get(call.by, run_id)
    original, frozen = services.replays.replay(run, treatment, body.pool, offline=body.offline)
    started = services.request_run(frozen, original.run.event, call.by.name, call.headers.get("idempotency-key"))
    services.replays.store.note(original.reference, started.run_id, started.created_at)
    said = ReplayStarted(
        run_id=started.run_id,
        state=str(started.state),
        original=original.run.run_id,
        unlike=list(original.unlike),
    )
    return Reply(said, 201, {"location": f"/v1/runs/{started.run_id}"})
