"""Runs the Mélodium program that a repository has in `.melodium-ci`, when a branch is pushed."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cadence.application.pipelines.check_document import FreezeDocument
from cadence.application.pipelines.invalid_document import InvalidDocument
from cadence.application.pipelines.plan_run import PlanRun
from cadence.application.pipelines.programs import Programs
from cadence.application.pipelines.run_request import RunRequest
from cadence.application.runs.start_run import StartRun
from cadence.application.shared.git_ports import FolderReader, GitCredentials
from cadence.application.shared.ports import Documents
from cadence.domain.melodium.stored_program import COMPO, MOST_FILES, ProgramFacts, facts_of, program_of
from cadence.domain.pipelines.document.pipeline import DEFAULT_RUN_DURATION
from cadence.domain.pipelines.planning import told
from cadence.domain.runs.run import Run
from cadence.domain.shared.errors import InvalidRequest, NotFound, TooLarge
from cadence.domain.triggers.git_events import GitEvent, Push

PROGRAM_FOLDER = ".melodium-ci"
PROGRAM_FILE = f"{PROGRAM_FOLDER}/{COMPO}"
_ENTRYPOINT = "main"
_EVENT_FIELDS = {
    "repository": "repository_url",
    "repository_url": "repository_url",
    "ref": "branch",
    "branch": "branch",
} | dict.fromkeys(("commit", "sha"), "commit")
"""The event's field for each program parameter of that name, if it is a text."""
_TEXTS = ("string", "Option<string>")
_NOT_IN_NAMES = re.compile(r"[^a-z0-9_-]+")


def is_push_to_branch(event: GitEvent) -> bool:
    """Returns True for a push to a branch: the author of a pull request may have no right to run programs."""
    return isinstance(event, Push) and event.branch is not None and not event.deleted


@dataclass(frozen=True, kw_only=True)
class PushedProgram:
    """A push whose program is to run. `url` is where the repository is read, `payload` the event of the run."""

    organization: str
    project: str
    url: str
    commit: str
    credentials: GitCredentials | None
    payload: Mapping[str, Any]
    created_by: str


@dataclass(frozen=True, kw_only=True)
class RunPushed:
    """Starts the run of a pushed program."""

    folders: FolderReader
    programs: Programs
    documents: Documents
    freeze: FreezeDocument
    plan: PlanRun
    start: StartRun

    def run(self, run_id: str, pushed: PushedProgram) -> Run | None:
        """Starts the program's run; None if the repository has none. A program that cannot run leaves a failed run.

        Safe to repeat with the same `run_id`. Raises Transient if the repository cannot be read now.
        """
        try:
            files = self.folders.read_below(pushed.url, pushed.commit, PROGRAM_FOLDER, MOST_FILES, pushed.credentials)
        except NotFound:
            return None
        except TooLarge as error:
            return self._failed(run_id, pushed, error.message)
        if COMPO not in files:
            return None
        try:
            program = program_of(files)
        except InvalidRequest as error:
            return self._failed(run_id, pushed, error.message)
        self.documents.put(program.encoded())
        facts = facts_of(program)
        document = json.dumps(_document(facts, pushed.payload), indent=2, ensure_ascii=False)
        try:
            pinned = {PROGRAM_FILE: facts.sha256}
            frozen, _ = self.freeze.freeze(pushed.organization, pushed.project, document, {}, programs=pinned)
            planned = self.plan.plan(run_id, frozen, pushed.payload)
        except InvalidDocument as error:
            return self._failed(run_id, pushed, told(error.findings), document)
        return self.start.start(run_id, planned, pushed.payload, pushed.created_by)

    def _failed(self, run_id: str, pushed: PushedProgram, cause: str, document: str = "{}") -> Run:
        frozen = RunRequest(
            organization=pushed.organization,
            project=pushed.project,
            pipeline="melodium-ci",
            document_sha256=self.documents.put(document.encode()),
            plan_sha256="",
            max_duration=DEFAULT_RUN_DURATION,
        )
        return self.start.failed(run_id, frozen, pushed.payload, pushed.created_by, cause)


def _document(facts: ProgramFacts, fields: Mapping[str, Any]) -> dict[str, Any]:
    entrypoint = facts.entrypoints.get(_ENTRYPOINT)
    known = entrypoint.header.parameters if entrypoint and entrypoint.header else ()
    parameters = {
        parameter.name: str(fields[_EVENT_FIELDS[parameter.name]])
        for parameter in known
        if parameter.name in _EVENT_FIELDS and parameter.type in _TEXTS
    }
    name = _NOT_IN_NAMES.sub("-", facts.name.lower()).strip("-_")
    body = {"program": PROGRAM_FILE, "entrypoint": _ENTRYPOINT, "parameters": parameters}
    return {
        "cadence": 1,
        "name": (name if name[:1].isalpha() else "melodium-ci")[:62],
        "treatments": {_ENTRYPOINT: {"melodium": body}},
    }
