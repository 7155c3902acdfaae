"""Wiring of the deletion of projects and organizations, as far as the API offers it."""

from dataclasses import dataclass
from datetime import timedelta

from cadence.adapters.aws.lambda_deletion_work import LambdaDeletionWork
from cadence.adapters.aws.woken_lambda import WokenLambda
from cadence.adapters.dynamodb.deletion.deletion_store import DynamoDeletionStore
from cadence.adapters.dynamodb.deletion.hold_store import DynamoHoldStore
from cadence.application.access.ports import Directory
from cadence.application.alerts.manage import ManageRules
from cadence.application.deletion.manage_holds import ManageHolds
from cadence.application.deletion.ports import DeletionStore, DeletionWork
from cadence.application.deletion.request_deletion import RequestDeletion
from cadence.application.deletion.request_organization_deletion import RequestOrganizationDeletion
from cadence.application.shared.identifiers import new_ulid
from cadence.composition.shared import settings
from cadence.composition.shared.clock import now


@dataclass(frozen=True)
class Deletions:
    """What the routes about deletions use."""

    store: DeletionStore
    work: DeletionWork
    requests: RequestDeletion
    organizations: RequestOrganizationDeletion
    holds: ManageHolds


def deletions(config: settings.ApiSettings, directory: Directory, rules: ManageRules) -> Deletions:
    store = DynamoDeletionStore(config.access_table)
    work = LambdaDeletionWork(config.delete_projects_function)
    holds = DynamoHoldStore(config.access_table)
    requests = RequestDeletion(
        store=store,
        holds=holds,
        work=work,
        stop_alerting=rules.delete_all,
        new_id=new_ulid,
        clock=now,
        delay=timedelta(seconds=int(config.deletion_delay_seconds)),
    )
    organizations = RequestOrganizationDeletion(directory=directory, projects=requests)
    holding = ManageHolds(store=holds, work=WokenLambda(config.retention_function), new_id=new_ulid, clock=now)
    return Deletions(store, work, requests, organizations, holding)
