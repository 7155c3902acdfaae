"""Starts the pipelines that lie in a repository, as they are at a commit."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from cadence.application.pipelines.check_document import FreezeDocument
from cadence.application.pipelines.fetch_libraries import OwnFiles, ReadOwnFiles
from cadence.application.pipelines.invalid_document import InvalidDocument
from cadence.application.pipelines.plan_run import PlanRun
from cadence.application.pipelines.run_request import RunRequest
from cadence.application.repositories.branch_protection import BranchProtection
from cadence.application.repositories.commit_source import EventSource
from cadence.application.runs.start_run import StartRun
from cadence.application.shared.ports import Documents
from cadence.application.triggers.changed_paths import ChangedPaths, changed_files
from cadence.domain.pipelines.document import (
    SUFFIXES,
    Finding,
    Pipeline,
    Severity,
    bind_parameters,
    environments_of,
)
from cadence.domain.pipelines.document.pipeline import DEFAULT_RUN_DURATION
from cadence.domain.pipelines.source import wants_source
from cadence.domain.repositories.located_findings import LocatedFinding
from cadence.domain.repositories.repository import Repository
from cadence.domain.runs.run import Run
from cadence.domain.shared.errors import Forbidden, InvalidRequest, NotFound, TooLarge
from cadence.domain.triggers.git_events import GitEvent

FOLDER = ".cadence"
"""The folder of a repository whose files are its pipelines."""
_NAMES_OF_THE_LIST = ("CADENCE_CHANGED_FILES", "changed_files")
_MOST_FILES = 50
_MOST_FINDINGS = 5
_NOT_IN_NAMES = re.compile(r"[^a-z0-9_-]+")


@dataclass(frozen=True, kw_only=True)
class PushedPipelines:
    """Starts the runs of an event. A document with findings becomes a failed run, so that its commit shows them."""

    documents: Documents
    freeze: FreezeDocument
    plan: PlanRun
    start: StartRun

    def files(self, folder: Mapping[str, bytes]) -> Mapping[str, bytes]:
        """Returns the pipelines among the files of the folder, by name. Raises InvalidRequest if there are too many."""
        chosen = {name: folder[name] for name in sorted(folder) if PurePosixPath(name).suffix in SUFFIXES}
        if len(chosen) > _MOST_FILES:
            raise InvalidRequest(f"{FOLDER} has {len(chosen)} pipelines; at most {_MOST_FILES} are possible.")
        return chosen

    def start_file(
        self,
        run_id: str,
        repository: Repository,
        file: tuple[str, bytes],
        event: GitEvent,
        changed: ChangedPaths,
        payload: Mapping[str, Any],
        commit_source: EventSource,
        protection: BranchProtection,
        read_files: ReadOwnFiles,
    ) -> Run | None:
        """Starts the run of one file; None if the event does not trigger it. Safe to repeat with the same `run_id`.

        `file` is the name and the content, `payload` the event of the run, `commit_source` what
        treatments with `source: true` receive, `protection` what environments of protected branches require.
        `read_files` reads other files of the commit that the file is from. Raises Transient if that is not possible
        now.
        """
        name, content = file
        created_by = f"{repository.kind} {repository.name}"
        try:
            source = content.decode()
        except UnicodeDecodeError:
            cause = f"{FOLDER}/{name} is not encoded in UTF-8."
            return self.start.failed(run_id, self._unplanned(repository, name, content), payload, created_by, cause)
        try:
            frozen, pipeline = self.freeze.freeze(
                repository.organization,
                repository.project,
                source,
                own_files=OwnFiles(f"{FOLDER}/{name}", read_files),
                gives_source=True,
            )
        except InvalidDocument as error:
            cause = _located(name, error.findings)
            return self.start.failed(run_id, self._unplanned(repository, name, content), payload, created_by, cause)
        trigger = event.trigger(pipeline.triggers)
        if trigger is None or not changed.meant(trigger)[0]:
            return None
        if frozen.unplanned is not None and frozen.unplanned.environments:
            bodies = [treatment.body for treatment in pipeline.treatments.values()]
            payload = protection.noted(payload, environments_of(bodies, frozen.unplanned.environments))
        # Reading the repository takes a while, so it is only read for pipelines that name the list.
        payload = {**payload, **changed_files(changed, wanted=_names_the_list(source, pipeline))}
        # Without its plan, which has no files yet: a rerun would give the treatments an empty directory.
        failing = replace(frozen, plan_sha256="") if wants_source(pipeline) else frozen
        bound = bind_parameters(pipeline, {})
        if bound.findings:
            return self.start.failed(run_id, failing, payload, created_by, _located(name, bound.findings))
        try:
            planned = self.plan.plan(run_id, frozen, payload)
            if wants_source(pipeline):
                planned = commit_source.given_to(planned)
        except InvalidDocument as error:
            return self.start.failed(run_id, failing, payload, created_by, _located(name, error.findings))
        except (InvalidRequest, NotFound, TooLarge, Forbidden) as error:
            return self.start.failed(run_id, failing, payload, created_by, f"{FOLDER}/{name}: {error.message}")
        return self.start.start(run_id, planned, payload, created_by)

    def _unplanned(self, repository: Repository, name: str, content: bytes) -> RunRequest:
        """Returns the request of a run that fails before it starts; its pipeline is named after the file."""
        stem = _NOT_IN_NAMES.sub("-", PurePosixPath(name).stem.lower()).strip("-_")
        return RunRequest(
            organization=repository.organization,
            project=repository.project,
            pipeline=stem[:63] if stem[:1].isalpha() else "pipeline",
            document_sha256=self.documents.put(content),
            plan_sha256="",
            max_duration=DEFAULT_RUN_DURATION,
        )


def _names_the_list(source: str, pipeline: Pipeline) -> bool:
    """Whether a pipeline asks for the changed files: in its document, or in a definition of another one."""
    texts = [source, *(str(treatment.body) for treatment in pipeline.treatments.values())]
    return any(name in text for name in _NAMES_OF_THE_LIST for text in texts)


def _located(name: str, findings: Sequence[Finding]) -> str:
    """Returns findings as the cause of a run, a line for each with its place; errors only, the first five."""
    errors = [finding for finding in findings if finding.severity == Severity.ERROR] or list(findings)
    lines = [
        str(LocatedFinding(path=one.file or f"{FOLDER}/{name}", line=one.line, column=one.column, message=one.message))
        for one in errors[:_MOST_FINDINGS]
    ]
    if len(errors) > _MOST_FINDINGS:
        lines.append(f"and {len(errors) - _MOST_FINDINGS} more")
    return "\n".join(lines)
