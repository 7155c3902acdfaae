"""Stores pipelines as immutable versions, and starts runs of them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from cadence.application.pipelines.check_document import FreezeDocument, pinned_files, pinned_programs, pins_of_sent
from cadence.application.pipelines.fetch_libraries import OwnFiles
from cadence.application.pipelines.ports import PipelineRegistry, PipelineStore, Schedules
from cadence.application.pipelines.run_request import RunRequest
from cadence.application.shared.ports import Clock, Documents
from cadence.domain.pipelines.versions import PipelineVersion
from cadence.domain.shared.errors import NotFound


@dataclass(frozen=True)
class PutPipeline:
    """Stores versions of pipelines and keeps their schedules."""

    pipelines: PipelineRegistry
    freeze: FreezeDocument
    schedules: Schedules
    clock: Clock

    def put(
        self,
        organization: str,
        project: str,
        name: str,
        source: str,
        created_by: str,
        programs: Mapping[str, str] = MappingProxyType({}),
        own_files: OwnFiles | None = None,
    ) -> tuple[PipelineVersion, bool]:
        """Returns the version that holds this document, and whether it is new.

        Raises InvalidDocument, InvalidRequest for another name, and Conflict if two write at once.
        """
        frozen, pipeline = self.freeze.freeze(
            organization, project, source, name=name, programs=programs, own_files=own_files
        )
        newest = self._newest(organization, project, name)
        for entry in pipeline.triggers.schedule:
            self.schedules.keep(organization, project, name, entry)
        content = (frozen.document_sha256, frozen.plan_sha256, pipeline.triggers, pins_of_sent(frozen.pins))
        if newest and content == (
            newest.document_sha256,
            newest.plan_sha256,
            newest.triggers,
            pins_of_sent(newest.pins),
        ):
            return newest, False
        version = PipelineVersion(
            organization=organization,
            project=project,
            name=name,
            version=(newest.version if newest else self.pipelines.last_removed(organization, project, name)) + 1,
            document_sha256=frozen.document_sha256,
            plan_sha256=frozen.plan_sha256,
            max_duration=frozen.max_duration,
            created_at=self.clock(),
            created_by=created_by,
            parameters=frozen.parameters,
            triggers=pipeline.triggers,
            concurrency_group=frozen.concurrency_group,
            concurrency_policy=frozen.concurrency_policy,
            priority=frozen.priority,
            pins=frozen.pins,
        )
        if newest:
            self.pipelines.add_version(version)
        else:
            self.pipelines.add_first(version)
        # A schedule left over by a crash before this is removed when it fires.
        digests = {entry.digest for entry in version.triggers.schedule}
        for entry in newest.triggers.schedule if newest else ():
            if entry.digest not in digests:
                self.schedules.remove(organization, project, name, entry.digest)
        return version, True

    def _newest(self, organization: str, project: str, name: str) -> PipelineVersion | None:
        try:
            return self.pipelines.newest(organization, project, name)
        except NotFound:
            return None


@dataclass(frozen=True)
class DeletePipeline:
    """Deletes pipelines, with their versions and schedules. Their runs stay, and go on."""

    pipelines: PipelineRegistry
    schedules: Schedules

    def delete(self, organization: str, project: str, name: str) -> None:
        """Deletes a pipeline. Safe to repeat after a crash.

        Raises NotFound, and Conflict if a version is stored at the same time.
        """
        newest = self.pipelines.newest(organization, project, name)
        for entry in newest.triggers.schedule:
            self.schedules.remove(organization, project, name, entry.digest)
        self.pipelines.remove(newest)


@dataclass(frozen=True)
class FreezePipeline:
    """Checks a stored version again, against what the project has now."""

    pipelines: PipelineStore
    documents: Documents
    freeze: FreezeDocument

    def freeze_pipeline(
        self, organization: str, project: str, name: str, version: int | None, given: Mapping[str, Any]
    ) -> RunRequest:
        """Returns the newest version (or `version`) as a request. Raises NotFound and InvalidDocument."""
        stored = (
            self.pipelines.newest(organization, project, name)
            if version is None
            else self.pipelines.version(organization, project, name, version)
        )
        return self.of(stored, given)

    def of(self, version: PipelineVersion, given: Mapping[str, Any]) -> RunRequest:
        """Returns this version as a request. Raises NotFound if its document is gone, and InvalidDocument."""
        source = self.documents.get(version.document_sha256).decode()
        programs = pinned_programs(version.pins)
        own_files = pinned_files(version.pins, self.documents)
        frozen, _ = self.freeze.freeze(
            version.organization, version.project, source, given, version.name, programs, own_files
        )
        return replace(frozen, pipeline_version=version.version)


def frozen_version(version: PipelineVersion, given: Mapping[str, Any] | None = None) -> RunRequest:
    """Returns a version as it was checked when it was stored; `given` parameters replace the defaults."""
    return RunRequest(
        organization=version.organization,
        project=version.project,
        pipeline=version.name,
        document_sha256=version.document_sha256,
        plan_sha256=version.plan_sha256,
        max_duration=version.max_duration,
        parameters={**version.parameters, **(given or {})},
        pipeline_version=version.version,
        concurrency_group=version.concurrency_group,
        concurrency_policy=version.concurrency_policy,
        priority=version.priority,
        pins=version.pins,
    )
