"""The `pipelines` table: for each pipeline its newest version, and all its versions."""

from collections.abc import Sequence
from typing import ClassVar

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.exceptions import DoesNotExist
from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from cadence.adapters.dynamodb.shared.binding import bind, transaction_connection
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.adapters.dynamodb.shared.stored_item import StoredItem
from cadence.domain.pipelines.specification import ConcurrencyPolicy
from cadence.domain.pipelines.versions import PipelineVersion
from cadence.domain.shared.errors import Conflict, NotFound
from cadence.domain.triggers.triggers import from_json, to_json


class _PipelineItem(StoredItem):
    class Meta:
        table_name: ClassVar[str] = "pipelines"

    organization = UnicodeAttribute()
    project = UnicodeAttribute()
    name = UnicodeAttribute()
    version = NumberAttribute()
    document_sha256 = UnicodeAttribute()
    plan_sha256 = UnicodeAttribute()
    max_duration = NumberAttribute()
    created_at = UTCDateTimeAttribute()
    created_by = UnicodeAttribute()
    parameters: JSONAttribute = JSONAttribute()
    triggers: JSONAttribute = JSONAttribute(null=True)
    concurrency_group = UnicodeAttribute(null=True)
    concurrency_policy = UnicodeAttribute(null=True)
    priority = NumberAttribute(null=True)
    pins: JSONAttribute = JSONAttribute(null=True)

    @classmethod
    def newest(cls, version: PipelineVersion) -> "_PipelineItem":
        return cls._of(_project_key(version.organization, version.project), f"PIPELINE#{version.name}", version)

    @classmethod
    def numbered(cls, version: PipelineVersion) -> "_PipelineItem":
        key = _versions_key(version.organization, version.project, version.name)
        return cls._of(key, _version_key(version.version), version)

    @classmethod
    def _of(cls, pk: str, sk: str, version: PipelineVersion) -> "_PipelineItem":
        return cls(
            pk,
            sk,
            organization=version.organization,
            project=version.project,
            name=version.name,
            version=version.version,
            document_sha256=version.document_sha256,
            plan_sha256=version.plan_sha256,
            max_duration=version.max_duration,
            created_at=version.created_at,
            created_by=version.created_by,
            parameters=dict(version.parameters),
            triggers=to_json(version.triggers),
            concurrency_group=version.concurrency_group,
            concurrency_policy=version.concurrency_policy,
            priority=version.priority,
            pins=dict(version.pins) or None,
        )

    def pipeline_version(self) -> PipelineVersion:
        return PipelineVersion(
            organization=self.organization,
            project=self.project,
            name=self.name,
            version=int(self.version),
            document_sha256=self.document_sha256,
            plan_sha256=self.plan_sha256,
            max_duration=int(self.max_duration),
            created_at=self.created_at,
            created_by=self.created_by,
            parameters=self.parameters,
            triggers=from_json(self.triggers or {}),
            concurrency_group=self.concurrency_group,
            concurrency_policy=ConcurrencyPolicy(self.concurrency_policy or ConcurrencyPolicy.QUEUE),
            priority=int(self.priority or 0),
            pins=self.pins or {},
        )


class _RemovedItem(StoredItem):
    """The rest of a removed pipeline: the number of its last version, so that no other one ever has the same number."""

    class Meta:
        table_name: ClassVar[str] = "pipelines"

    version = NumberAttribute()


class DynamoPipelineStore:
    """Implements PipelineStore and PipelineRegistry."""

    def __init__(self, table_name: str) -> None:
        for item in (_PipelineItem, _RemovedItem):
            bind(item, table_name)

    def newest(self, organization: str, project: str, name: str) -> PipelineVersion:
        return _get(_project_key(organization, project), f"PIPELINE#{name}", f"There is no pipeline {name!r}.")

    def version(self, organization: str, project: str, name: str, version: int) -> PipelineVersion:
        missing = f"There is no version {version} of pipeline {name!r}."
        return _get(_versions_key(organization, project, name), _version_key(version), missing)

    def list_newest(self, organization: str, project: str) -> Sequence[PipelineVersion]:
        key = _project_key(organization, project)
        items = _PipelineItem.query(key, _PipelineItem.sk.startswith("PIPELINE#"), consistent_read=True)
        with translated("the list of pipelines"):
            return [item.pipeline_version() for item in items]

    def list_versions(self, organization: str, project: str, name: str) -> Sequence[PipelineVersion]:
        key = _versions_key(organization, project, name)
        items = _PipelineItem.query(key, consistent_read=True, scan_index_forward=False)
        with translated("the list of pipelines"):
            return [item.pipeline_version() for item in items]

    def add_version(self, version: PipelineVersion) -> None:
        expected = (
            _PipelineItem.pk.does_not_exist() if version.version == 1 else _PipelineItem.version == version.version - 1
        )
        self._add(version, expected, None)

    def add_first(self, version: PipelineVersion) -> None:
        removed = (
            _RemovedItem.pk.does_not_exist() if version.version == 1 else _RemovedItem.version == version.version - 1
        )
        self._add(version, _PipelineItem.pk.does_not_exist(), removed)

    def _add(self, version: PipelineVersion, expected: Condition, removed: Condition | None) -> None:
        try:
            with translated(f"pipeline {version.name}"), self._transaction() as transaction:
                if removed is not None:
                    key = _removed_key(version.organization, version.project, version.name)
                    transaction.delete(_RemovedItem(*key), condition=removed)
                transaction.save(_PipelineItem.newest(version), condition=expected)
                transaction.save(_PipelineItem.numbered(version), condition=_PipelineItem.pk.does_not_exist())
        except Conflict:
            raise Conflict(
                f"Pipeline {version.name!r} was changed by another request at the same time. Read it and try again."
            ) from None

    def last_removed(self, organization: str, project: str, name: str) -> int:
        try:
            with translated(f"pipeline {name}"):
                key = _removed_key(organization, project, name)
                return int(_RemovedItem.get(*key, consistent_read=True).version)
        except DoesNotExist:
            return 0

    def remove(self, newest: PipelineVersion) -> None:
        key = _versions_key(newest.organization, newest.project, newest.name)
        removed = _RemovedItem(*_removed_key(newest.organization, newest.project, newest.name), version=newest.version)
        try:
            with translated(f"pipeline {newest.name}"):
                # The newest one last: until then the pipeline is there to be removed again.
                with _PipelineItem.batch_write() as batch:
                    for item in _PipelineItem.query(key, consistent_read=True):
                        batch.delete(item)
                with self._transaction() as transaction:
                    item = _PipelineItem.newest(newest)
                    transaction.delete(item, condition=_PipelineItem.version == newest.version)
                    transaction.save(removed)
        except Conflict:
            raise Conflict(
                f"Pipeline {newest.name!r} was changed by another request at the same time. Read it and try again."
            ) from None

    @staticmethod
    def _transaction() -> TransactWrite:
        return TransactWrite(connection=transaction_connection())


def _get(pk: str, sk: str, missing: str) -> PipelineVersion:
    try:
        with translated(sk):
            return _PipelineItem.get(pk, sk, consistent_read=True).pipeline_version()
    except DoesNotExist:
        raise NotFound(missing) from None


def _project_key(organization: str, project: str) -> str:
    return f"PROJECT#{organization}#{project}"


def _versions_key(organization: str, project: str, name: str) -> str:
    return f"PIPELINE#{organization}#{project}#{name}"


def _removed_key(organization: str, project: str, name: str) -> tuple[str, str]:
    return _project_key(organization, project), f"PIPELINEDELETED#{name}"


def _version_key(version: int) -> str:
    return f"VERSION#{version:08}"
