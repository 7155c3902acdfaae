"""Records a process of an engine that Cadence did not start as a run."""

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cadence.application.access.ports import Directory
from cadence.application.logs.ports import LogStream
from cadence.application.melodium.processes import may_tell_of
from cadence.application.runs.ports import ReportedStore
from cadence.application.shared.identifiers import derived_ulid
from cadence.application.shared.ports import Clock, Documents
from cadence.application.shared.run_ports import Deadlines, RunStore
from cadence.domain.access.access import ALL_PROJECTS, Principal
from cadence.domain.melodium.process import MelodiumRun
from cadence.domain.melodium.request import LaunchRequest
from cadence.domain.melodium.specification import engine_group_id
from cadence.domain.runs.run import Run
from cadence.domain.runs.states import RunState
from cadence.domain.shared.errors import Conflict, InvalidRequest, NotFound, Violation

LONGEST = timedelta(days=7)
"""The longest duration of a process that states none: as long as its upload destinations are valid."""

_PROJECT_TAG = "project="
_RUN_TAG = "cadence-run="
_DEFAULT_PROJECT = "default"
_NOT_IN_NAMES = re.compile(r"[^a-z0-9_-]+")
_LONGEST_NAME = 63


@dataclass(frozen=True, kw_only=True)
class RecordStart:
    """Records the start of a process."""

    runs: RunStore
    reported: ReportedStore
    directory: Directory
    documents: Documents
    deadlines: Deadlines
    log_stream: LogStream
    clock: Clock

    def record(self, by: Principal, request: LaunchRequest, shown: Mapping[str, Any]) -> str:
        """Creates the run and returns its id; `shown` is the request without secrets, which others may read.

        Safe to repeat for a request with an id. Raises NotFound for a run that the caller may not report,
        InvalidRequest if its project cannot be determined.
        """
        run_id = request.id or str(uuid.uuid4())
        parent = self._parent(by, request.parent_id or _started_by(request))
        project = parent.project if parent else project_for(self.directory, by, request.tags)
        run = self._run(
            run_id, by, project, parent, request, self.documents.put(json.dumps(shown, sort_keys=True).encode())
        )
        if not may_tell_of(by, run):
            raise NotFound(f"The token is for another run than {run_id}.")
        self.deadlines.watch_run(run_id, timedelta(seconds=run.max_duration))
        self.log_stream.needed()
        try:
            self.runs.create_run(run)
        except Conflict:
            known = self.runs.get_run(run_id)
            if known.melodium is None or not may_tell_of(by, known):
                raise NotFound(f"There is no Mélodium run {run_id!r} here.") from None
        self.reported.note_start(run_id, request.version, request.tags)
        return run_id

    def _run(
        self, run_id: str, by: Principal, project: str, parent: Run | None, request: LaunchRequest, document_sha256: str
    ) -> Run:
        now = self.clock()
        return Run(
            run_id=run_id,
            organization=by.organization,
            project=project,
            pipeline=pipeline_name(request.entrypoint),
            state=RunState.RUNNING,
            created_at=now,
            started_at=now,
            document_sha256=document_sha256,
            plan_sha256="",
            event={"kind": "melodium"},
            max_duration=request.max_duration or int(LONGEST.total_seconds()),
            created_by=by.author,
            started_by_run=parent.run_id if parent else None,
            depth=parent.depth + 1 if parent else 0,
            melodium=melodium_run(run_id, request, now, supervised=False),
        )

    def _parent(self, by: Principal, parent_id: str | None) -> Run | None:
        """Returns the run of the parent, whose project the process belongs to; None if the parent is unknown here."""
        parent = self.runs.get_runs([parent_id]).get(parent_id) if parent_id else None
        return parent if parent and by.sees(parent.organization, parent.project) else None


def _started_by(request: LaunchRequest) -> str | None:
    """Returns the run whose treatment started this engine: its runner adds a tag, and the group id proves it."""
    run_id = next((tag.removeprefix(_RUN_TAG) for tag in request.tags if tag.startswith(_RUN_TAG)), None)
    return run_id if run_id and engine_group_id(run_id) == request.group_id else None


def melodium_run(run_id: str, request: LaunchRequest, at: datetime, *, supervised: bool) -> MelodiumRun:
    """Returns the Mélodium fields of a run; `supervised` if Cadence starts its engine."""
    return MelodiumRun(
        group_id=request.group_id or run_id,
        position=derived_ulid(at, run_id),
        version=request.version,
        mode=str(request.mode),
        parent_id=request.parent_id,
        tags=request.tags,
        supervised=supervised,
    )


def pipeline_name(entrypoint: str | None) -> str:
    """Returns the pipeline name of a program's runs: `melodium-` and the program's command."""
    command = _NOT_IN_NAMES.sub("-", (entrypoint or "").lower()).strip("-")
    return f"melodium-{command}"[:_LONGEST_NAME].rstrip("-") if command else "melodium"


def project_for(directory: Directory, by: Principal, tags: tuple[str, ...]) -> str:
    """Returns the token's project; with a token for all projects, that of a tag `project=NAME`, or `default`.

    Raises InvalidRequest if there is no such project.
    """
    if by.project != ALL_PROJECTS:
        return by.project
    name = next((tag.removeprefix(_PROJECT_TAG) for tag in tags if tag.startswith(_PROJECT_TAG)), _DEFAULT_PROJECT)
    message = (
        f"There is no project {name!r}. Use a token of one project, or name the project: "
        "MELODIUM_API_TAGS=project=NAME."
    )
    unknown = InvalidRequest(message, [Violation("/tags", message, "unknown_project")])
    if not by.sees(by.organization, name):
        raise unknown
    try:
        return directory.get_project(by.organization, name).name
    except NotFound:
        raise unknown from None
