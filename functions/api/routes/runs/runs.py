"""Runs: starting, listing, showing, cancelling, running again."""

import base64
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field
from pydantic.config import JsonDict

from api.cursors import sign, verify
from api.endpoint import Body, Call, Endpoints, Model, Reply
from api.routes.pipelines.pipelines import (
    YAML,
    SentLibraries,
    SentPath,
    SentPrograms,
    document_text,
    kept_programs,
    naming_pipelines,
)
from api.routes.runs.insight_shapes import TreatmentSummary
from api.shapes import Cursor, JsonObject, Limit, Name
from cadence.application.pipelines.check_document import pinned_files, pinned_programs, sent_files
from cadence.application.pipelines.run_request import RunRequest, frozen_again
from cadence.application.runs.run_delta import short_cause
from cadence.composition.api import Services
from cadence.domain.access.access import Permission
from cadence.domain.pipelines.source import wants_source
from cadence.domain.repositories.sent_tree import LARGEST_SENT
from cadence.domain.runs.run import Run, Treatment
from cadence.domain.runs.run_changes import version_of
from cadence.domain.runs.run_filter import RunFilter
from cadence.domain.runs.states import RunState
from cadence.domain.shared.errors import Conflict, InvalidRequest, TooLarge, Violation

endpoints = Endpoints("runs")

# A Lambda answers with at most 6 MB.
TREATMENTS_PER_PAGE = 2_000
_FOLLOWING_PER_PAGE = 200

State = Literal["pending", "running", "cancelling", "succeeded", "failed", "cancelled", "timed_out"]


class StartBody(Body):
    """The values of the pipeline's parameters."""

    parameters: JsonObject = Field(default_factory=dict)
    version: int | None = Field(None, ge=1, le=99_999_999)


class StartDocumentBody(Body):
    """A document to run once, and the values of its parameters.

    `source` are the files that treatments with `source: true` receive: a tar archive, compressed with gzip (at most 3.5
    MiB) and encoded in base64.
    """

    document: str | JsonObject
    parameters: JsonObject = Field(default_factory=dict)
    programs: SentPrograms
    path: SentPath = None
    libraries: SentLibraries
    source: str | None = None


def _without_default(schema: JsonDict) -> None:
    """Leaves the default out of the description: generators of clients make broken code of alternatives with one."""
    del schema["default"]


class RerunBody(Body):
    """Selects what runs again.

    `all`, or nothing: everything; `failed`: what did not succeed and what depends on it; names: these as well.
    """

    what: Literal["all", "failed"] | Annotated[list[str], Field(min_length=1, max_length=1_000)] = Field(
        "all", alias="from", json_schema_extra=_without_default
    )


class RunCountsQuery(Model):
    project: Name | None = None
    pipeline: Name | None = None
    branch: str | None = Field(None, min_length=1, max_length=250, description="The branch of the run's commit.")
    commit: str | None = Field(
        None,
        pattern="^[0-9a-fA-F]{4,64}$",
        description="The id of the run's commit, or its first four characters or more.",
    )
    by: str | None = Field(None, min_length=1, max_length=250, description="Who started the run.")
    since: AwareDatetime | None = Field(None, description="Only runs that were created then or later.")
    until: AwareDatetime | None = Field(None, description="Only runs that were created before.")


class RunsQuery(RunCountsQuery):
    state: State | None = None
    limit: Limit = 50
    cursor: Cursor | None = None
    version: str | None = Field(
        None, max_length=16, description="Of an earlier answer: with `wait`, answer once the first page is another one."
    )
    wait: float = Field(0, ge=0, le=2, description="Seconds to wait for another first page.")


class StartedView(Model):
    run_id: str
    state: str


class ReplayedView(Model):
    run_id: str
    treatment: str


class MelodiumView(Model):
    """What is known of a process of a Mélodium engine. `supervised`: Cadence started it."""

    group_id: str = Field(description="Ties a root run and its workers.")
    parent_id: str | None = Field(description="The run of the engine that asked for this one.")
    version: str
    mode: str
    tags: list[str]
    supervised: bool


class RunView(Model):
    run_id: str
    project: str
    pipeline: str
    pipeline_version: int | None
    state: str
    cause: str | None = Field(description="Why it ended as it did, if it did not simply succeed.")
    soft_failures: int = Field(description="Treatments that failed without failing it; known once it has ended.")
    created_at: datetime
    created_by: str
    starter: str = Field(description="The sender of the git host's event, else the same as `created_by`.")
    branch: str | None = Field(description="Of the commit that it is for; null without an event of a git host.")
    commit: str | None
    commit_message: str | None = Field(description="Its first line, or the title of the pull request.")
    started_by_run: str | None = Field(description="The run whose end, or whose treatment, started this one.")
    started_by_treatment: str | None = Field(description="The treatment there that started it; null for the run's end.")
    generated: bool = Field(
        description="It is a part of the run that started it, with a document that a treatment there sent."
    )
    started_at: datetime | None
    finished_at: datetime | None
    rerun_of: str | None = Field(description="The earlier run that it took values over from.")
    replay_of: ReplayedView | None = Field(description="The treatment that it replays, only to be compared.")
    waiting_for: str | None = Field(description="What holds the run back as a whole, in words.")
    concurrency_group: str | None
    priority: int
    melodium: MelodiumView | None = Field(description="Of a run that is a process of a Mélodium engine.")


class TreatmentsQuery(Model):
    cursor: Cursor | None = None


class RunWithTreatments(RunView):
    created_by_name: str = Field(description="The name of the member that `created_by` is; empty if it is none.")
    document_sha256: str
    parameters: JsonObject
    event: JsonObject
    max_duration: int
    treatments: list[TreatmentSummary] = Field(description="At most 2,000, by name; a long `cause` is cut.")
    next: str | None = Field(description="The cursor of the treatments' next page, null at the end.")


class FollowingView(Model):
    run_id: str
    how: str = Field(description="`started` (by it, or by its end), `rerun` or `replay`.")
    treatment: str | None = Field(description="The treatment of this run that started it, or that it replays.")
    pipeline: str
    state: str
    created_at: datetime
    finished_at: datetime | None
    supervised: bool | None = Field(
        description="Of a run of a Mélodium engine: Cadence started it, as its workers are."
    )


class FollowingList(Model):
    items: list[FollowingView]
    next: str | None = Field(description="The cursor of the next page, null at the end.")


class RunCount(Model):
    state: str
    runs: int


class RunCounts(Model):
    counts: list[RunCount] = Field(description="Of the states that some runs are in.")
    complete: bool = Field(
        description="False: there were more runs than one request reads; older ones are not counted."
    )
    reached: datetime | None = Field(description="When the oldest run that was read was created; null if all were.")


class RunList(Model):
    items: list[RunView]
    version: str | None = Field(description="Of the first page, to wait for another one; null on others.")
    next: str | None = Field(description="The cursor of the next page, null at the end.")


@endpoints.add(
    "POST",
    "/v1/projects/{project}/pipelines/{pipeline}/runs",
    Permission.RUNS_START_STORED,
    answers={201: StartedView},
    errors=(404, 409, 413, 415, 422),
    idempotency_key=True,
)
def start_pipeline(call: Call, services: Services, project: str, pipeline: str, body: StartBody) -> Reply:
    """Starts a run of a stored pipeline, checked again against the project as it is now."""
    owner = services.project(call.by, project, pipeline=pipeline)
    with naming_pipelines(call, services, owner, pipeline):
        frozen = services.freeze_pipeline.freeze_pipeline(
            owner.organization, owner.name, pipeline, body.version, body.parameters
        )
    return _started(call, services, frozen, {"kind": "api"})


@endpoints.add(
    "POST",
    "/v1/projects/{project}/runs",
    Permission.RUNS_START,
    answers={201: StartedView},
    errors=(404, 409, 413, 415, 422),
    also_text=YAML,
    idempotency_key=True,
)
def start_document(call: Call, services: Services, project: str, body: StartDocumentBody) -> Reply:
    """Starts a run of the document in the request. An invalid document starts nothing."""
    owner = services.project(call.by, project)
    source = document_text(body.document)
    programs = kept_programs(services, body.programs)
    frozen, pipeline = services.freeze_document.freeze(
        owner.organization,
        owner.name,
        source,
        body.parameters,
        programs=programs,
        own_files=sent_files(body.path, body.libraries),
        gives_source=body.source is not None,
    )
    if body.source is not None and wants_source(pipeline):
        frozen = replace(frozen, source=services.repositories.working_tree.store(owner, _sent_files(body.source)))
    return _started(call, services, frozen, {"kind": "api"})


@endpoints.add("GET", "/v1/runs", Permission.RUNS_READ, answers={200: RunList}, errors=(404, 422))
def list_runs(call: Call, services: Services, query: RunsQuery) -> RunList:
    """Lists runs, newest first. With a rare filter a page may be short although `next` shows that there is more."""
    times = [time.isoformat() if time else None for time in (query.since, query.until)]
    narrowed = (query.project, query.state, query.pipeline, query.branch, query.commit, query.by, *times)
    listing = (call.by.organization, call.by.project, call.by.subject, *narrowed)
    key = services.keys.key("CURSOR")
    after = verify(key, query.cursor, *listing) if query.cursor else None
    wanted = replace(_filter(query), state=RunState(query.state) if query.state else None)
    if after is None:
        wait = timedelta(seconds=query.wait)
        page = services.follow_list.follow(call.by, query.limit, query.project, wanted, query.version, wait)
    else:
        page = services.visible.page(call.by, query.limit, after, query.project, wanted)
    return RunList(
        items=[RunView.model_validate(run) for run in page.items],
        version=version_of(page.items) if after is None else None,
        next=sign(key, page.after, *listing) if page.after else None,
    )


@endpoints.add("GET", "/v1/runs/counts", Permission.RUNS_READ, answers={200: RunCounts}, errors=(404, 422))
def count_runs(call: Call, services: Services, query: RunCountsQuery) -> RunCounts:
    """Counts runs by their states. One request reads the newest 1,000 runs of the time that is asked for."""
    found = services.visible.count_states(call.by, query.project, _filter(query))
    counts = [RunCount(state=str(state), runs=found.counts[state]) for state in RunState if state in found.counts]
    return RunCounts(counts=counts, complete=found.reached is None, reached=found.reached)


@endpoints.add(
    "GET", "/v1/runs/{run_id}/following", Permission.RUNS_READ, answers={200: FollowingList}, errors=(404, 422)
)
def list_following(call: Call, services: Services, run_id: str, query: TreatmentsQuery) -> FollowingList:
    """Lists the runs that this one caused: those that it started (such as an engine's workers), its reruns
    and replays.
    """
    run = services.visible.get(call.by, run_id)
    key, listing = services.keys.key("CURSOR"), ("following", run_id)
    after = verify(key, query.cursor, *listing) if query.cursor else None
    page = services.provenance.following.list(run, _FOLLOWING_PER_PAGE, after)
    items = [
        FollowingView(
            run_id=of.run_id,
            how=following_run.how,
            treatment=following_run.treatment,
            pipeline=of.pipeline,
            state=str(of.state),
            created_at=of.created_at,
            finished_at=of.finished_at,
            supervised=of.melodium.supervised if of.melodium else None,
        )
        for following_run, of in page.items
    ]
    return FollowingList(items=items, next=sign(key, page.after, *listing) if page.after else None)


@endpoints.add(
    "GET",
    "/v1/runs/{run_id}",
    Permission.RUNS_READ,
    answers={200: RunWithTreatments, 304: None},
    errors=(404, 422),
)
def show_run(call: Call, services: Services, run_id: str, query: TreatmentsQuery) -> Reply:
    """Shows a run and the state of each of its treatments."""
    run = services.visible.get(call.by, run_id)
    listing, key = ("treatments", run_id), services.keys.key("CURSOR")
    after = verify(key, query.cursor, *listing) if query.cursor else None
    page = services.treatments.page_of_treatments(run_id, TREATMENTS_PER_PAGE, after)
    shown = RunWithTreatments(
        **RunView.model_validate(run).model_dump(),
        created_by_name=services.people.names_for(call.by, [run.created_by]).get(run.created_by, ""),
        document_sha256=run.document_sha256,
        parameters=dict(run.parameters),
        event=dict(run.event),
        max_duration=run.max_duration,
        treatments=[treatment_summary(treatment) for treatment in page.items],
        next=sign(key, page.after, *listing) if page.after else None,
    )
    return Reply(shown, lasting=run.state.final)


@endpoints.add(
    "GET",
    "/v1/runs/{run_id}/document",
    Permission.RUNS_READ,
    answers={200: None},
    errors=(404,),
    content_type="text/plain",
)
def show_document(call: Call, services: Services, run_id: str) -> Reply:
    """Shows the document that the run executes, as written."""
    run = services.visible.get(call.by, run_id)
    return Reply(services.documents.get(run.document_sha256).decode(), content_type="text/plain")


@endpoints.add(
    "POST", "/v1/runs/{run_id}/cancel", Permission.RUNS_CANCEL, answers={202: StartedView}, errors=(404, 409)
)
def cancel_run(call: Call, services: Services, run_id: str) -> StartedView:
    """Cancels a run. Cancelling twice changes nothing; a run that has ended cannot be cancelled (409)."""
    run = services.visible.get(call.by, run_id)
    return StartedView.model_validate(services.cancel_run.cancel(run.run_id, call.by.author))


@endpoints.add(
    "POST",
    "/v1/runs/{run_id}/rerun",
    Permission.RUNS_START,
    answers={201: StartedView},
    errors=(404, 409, 413, 415, 422),
    idempotency_key=True,
)
def rerun(call: Call, services: Services, run_id: str, body: RerunBody) -> Reply:
    """Runs the same document with the same parameters and event once more; what is not run again keeps its values."""
    run = services.visible.get(call.by, run_id)
    if run.replay_of is not None:
        raise Conflict(f"Run {run_id} is a replay: replay its treatment again instead.")
    if run.generated:
        raise Conflict(
            f"Run {run_id} is a part of run {run.started_by_run}: rerun that one. From what failed, it keeps what "
            f"succeeded here."
        )
    if not run.plan_sha256 and not run.recorded:
        # It failed before it could be planned, so there is nothing to keep; the obstacle may be gone.
        source = services.documents.get(run.document_sha256).decode()
        programs = pinned_programs(run.pins)
        frozen, _ = services.freeze_document.freeze(
            run.organization,
            run.project,
            source,
            run.parameters,
            programs=programs,
            own_files=pinned_files(run.pins, services.documents),
        )
        frozen = replace(frozen, pipeline_version=run.pipeline_version)
    elif body.what == "all":
        frozen = frozen_again(run)
    else:
        frozen = services.rerun.start(run, () if body.what == "failed" else body.what)
    return _started(call, services, frozen, services.repositories.renew_protection.event(run))


def _filter(query: RunCountsQuery) -> RunFilter:
    return RunFilter(
        pipeline=query.pipeline,
        branch=query.branch,
        commit=query.commit,
        by=query.by,
        since=query.since,
        until=query.until,
    )


def treatment_summary(treatment: Treatment) -> TreatmentSummary:
    summary = TreatmentSummary.model_validate(treatment)
    summary.cause = short_cause(summary.cause)
    return summary


def _sent_files(encoded: str) -> bytes:
    """Returns the compressed files. Raises InvalidRequest and TooLarge."""
    try:
        content = base64.b64decode(encoded, validate=True)
    except ValueError:
        message = "`source` is not encoded in base64."
        raise InvalidRequest(message, [Violation("/source", message)]) from None
    if len(content) > LARGEST_SENT:
        raise TooLarge(f"`source` has {len(content):,} bytes; at most {LARGEST_SENT:,} are accepted.")
    return content


def _started(call: Call, services: Services, frozen: RunRequest, event: Any) -> Reply:
    run: Run = services.request_run.request(frozen, event, call.by.author, call.headers.get("idempotency-key"))
    return Reply(StartedView.model_validate(run), 201, {"location": f"/v1/runs/{run.run_id}"})
