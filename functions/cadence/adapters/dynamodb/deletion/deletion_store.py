"""`DeletionStore` on the `access` table: the records of deletions, and the marks of what is being deleted."""

import dataclasses
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from cadence.adapters.dynamodb.access.access_items import (
    AccessTable,
    OrganizationItem,
    OrganizationNameItem,
    ProjectItem,
    organization_key,
)
from cadence.adapters.dynamodb.shared.binding import bind, transaction_connection
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.deletion.ports import DeletionStore
from cadence.domain.deletion.project_deletion import DeletionState, ProjectDeletion
from cadence.domain.shared.errors import NotFound

_MOMENTS = ("requested_at", "removes_from", "finished_at", "leased_until")


class DeletionItem(AccessTable):
    """A deletion. What it names is inside of `record`, so that no search for a project's items finds it."""

    class Meta:
        table_name: ClassVar[str] = "access"

    PARTITION: ClassVar[str] = "DELETIONS"

    state = UnicodeAttribute()
    record = UnicodeAttribute()
    version = NumberAttribute()

    @classmethod
    def of(cls, deletion: ProjectDeletion) -> "DeletionItem":
        record = dataclasses.asdict(deletion)
        for name in _MOMENTS:
            record[name] = record[name].isoformat() if record[name] else None
        return cls(
            *_key(deletion.organization, deletion.deletion_id),
            state=str(deletion.state),
            record=json.dumps(record),
            version=deletion.version + 1,
        )

    def deletion(self) -> ProjectDeletion:
        record: dict[str, Any] = json.loads(self.record)
        for name in _MOMENTS:
            record[name] = datetime.fromisoformat(record[name]) if record[name] else None
        record |= {
            "state": DeletionState(record["state"]),
            "remains": tuple(record["remains"]),
            "version": int(self.version),
        }
        return ProjectDeletion(**record)


class DynamoDeletionStore(DeletionStore):
    def __init__(self, table_name: str) -> None:
        for item in (AccessTable, DeletionItem, OrganizationItem, OrganizationNameItem, ProjectItem):
            bind(item, table_name)

    def request(self, deletion: ProjectDeletion) -> None:
        if deletion.whole_organization:
            self._request_whole(deletion)
            return
        marked = OrganizationItem.closed_projects.add({deletion.project})
        unmarked = ProjectItem.pk.exists() & ProjectItem.deletion.does_not_exist() & ProjectItem.holds.does_not_exist()
        with translated(f"project {deletion.project}"), _transaction() as transaction:
            transaction.save(DeletionItem.of(deletion), condition=DeletionItem.pk.does_not_exist())
            transaction.update(_project(deletion), [ProjectItem.deletion.set(deletion.deletion_id)], condition=unmarked)
            transaction.update(_organization(deletion), [marked], condition=OrganizationItem.pk.exists())

    def _request_whole(self, deletion: ProjectDeletion) -> None:
        marked = OrganizationItem.deletion.set(deletion.deletion_id)
        unmarked = OrganizationItem.pk.exists() & OrganizationItem.deletion.does_not_exist()
        with translated(f"organization {deletion.organization}"), _transaction() as transaction:
            transaction.save(DeletionItem.of(deletion), condition=DeletionItem.pk.does_not_exist())
            transaction.update(_organization(deletion), [marked], condition=unmarked)

    def get(self, organization: str, deletion_id: str) -> ProjectDeletion:
        try:
            with translated(f"deletion {deletion_id}"):
                item = DeletionItem.get(*_key(organization, deletion_id), consistent_read=True)
        except DoesNotExist:
            raise NotFound(f"There is no deletion {deletion_id!r} here.") from None
        return item.deletion()

    def list(self, organization: str) -> Sequence[ProjectDeletion]:
        found = _query(DeletionItem.sk.startswith(f"{organization}#"), forward=False)
        return [deletion for deletion in found if not deletion.whole_organization]

    def list_organizations(self) -> Sequence[ProjectDeletion]:
        found = [deletion for deletion in _query(None, forward=False) if deletion.whole_organization]
        return sorted(found, key=lambda deletion: deletion.requested_at, reverse=True)

    def unfinished(self) -> Sequence[ProjectDeletion]:
        found = _query(None, forward=True, wanted=DeletionItem.state != str(DeletionState.DELETED))
        return sorted(found, key=lambda deletion: (deletion.whole_organization, deletion.requested_at))

    def update(self, deletion: ProjectDeletion) -> ProjectDeletion:
        with translated(f"deletion {deletion.deletion_id}"):
            DeletionItem.of(deletion).save(_as_read(deletion))
        return dataclasses.replace(deletion, version=deletion.version + 1)

    def finish(self, deletion: ProjectDeletion) -> None:
        if deletion.whole_organization:
            self._finish_whole(deletion)
            return
        unmarked = OrganizationItem.closed_projects.delete({deletion.project})
        with translated(f"deletion {deletion.deletion_id}"), _transaction() as transaction:
            transaction.save(DeletionItem.of(deletion), condition=_as_read(deletion))
            transaction.delete(_project(deletion), condition=ProjectItem.deletion == deletion.deletion_id)
            transaction.update(_organization(deletion), [unmarked])

    def _finish_whole(self, deletion: ProjectDeletion) -> None:
        shown = OrganizationItem
        cleared: list[Action] = [
            shown.display_name.set(""),
            shown.max_running_runs.remove(),
            shown.max_runners.remove(),
        ]
        marked = shown.deletion == deletion.deletion_id
        with translated(f"deletion {deletion.deletion_id}"), _transaction() as transaction:
            transaction.save(DeletionItem.of(deletion), condition=_as_read(deletion))
            transaction.update(_organization(deletion), cleared, condition=marked)
            transaction.delete(OrganizationNameItem(OrganizationNameItem.PK, deletion.organization))


def _query(condition: Condition | None, *, forward: bool, wanted: Condition | None = None) -> list[ProjectDeletion]:
    with translated("deletions"):
        items = DeletionItem.query(
            DeletionItem.PARTITION,
            condition,
            filter_condition=wanted,
            consistent_read=True,
            scan_index_forward=forward,
        )
        return [item.deletion() for item in items]


def _key(organization: str, deletion_id: str) -> tuple[str, str]:
    return DeletionItem.PARTITION, f"{organization}#{deletion_id}"


def _project(deletion: ProjectDeletion) -> ProjectItem:
    return ProjectItem(organization_key(deletion.organization), ProjectItem.PREFIX + deletion.project)


def _organization(deletion: ProjectDeletion) -> OrganizationItem:
    return OrganizationItem(organization_key(deletion.organization), OrganizationItem.SK)


def _as_read(deletion: ProjectDeletion) -> Condition:
    return DeletionItem.version == deletion.version


def _transaction() -> TransactWrite:
    return TransactWrite(connection=transaction_connection())
