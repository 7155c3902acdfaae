"""Wiring of the Lambda `delete_projects`."""

import time
from datetime import timedelta

from cadence.adapters.code_hosts.code_hosts import GuardedCodeHosts
from cadence.adapters.dynamodb.access.access_store import DynamoAccessStore
from cadence.adapters.dynamodb.access.audit import DynamoAuditTrail
from cadence.adapters.dynamodb.access.people_store import DynamoPeopleStore
from cadence.adapters.dynamodb.deletion.deletion_notes import DynamoDeletionNotes
from cadence.adapters.dynamodb.deletion.deletion_store import DynamoDeletionStore
from cadence.adapters.dynamodb.deletion.organization_data import DynamoOrganizationData
from cadence.adapters.dynamodb.deletion.project_data import DynamoProjectData
from cadence.adapters.dynamodb.pipelines.pipeline_store import DynamoPipelineStore
from cadence.adapters.dynamodb.placement.pool_records import DynamoPoolRecords
from cadence.adapters.dynamodb.repositories.heads import DynamoHeads
from cadence.adapters.dynamodb.repositories.repository_store import DynamoRepositoryStore
from cadence.adapters.dynamodb.runs.run_store import DynamoRunStore
from cadence.adapters.http.egress_policy import EgressPolicy
from cadence.adapters.kms.cipher import KmsCipher
from cadence.adapters.s3.buckets import Buckets
from cadence.adapters.s3.stored_objects import S3StoredObjects
from cadence.application.access.manage_roles import ManageRoles
from cadence.application.deletion.close_organization import CloseOrganization
from cadence.application.deletion.close_sources import CloseSources
from cadence.application.deletion.delete_projects import DeleteProjects, DeletionParts
from cadence.application.repositories.connect import ConnectRepository
from cadence.application.repositories.reconcile import RecordHeads
from cadence.application.repositories.repository_secrets import RepositoryKeys
from cadence.application.shared.identifiers import new_ulid
from cadence.composition.shared import gates, settings
from cadence.composition.shared.clock import now
from cadence.composition.shared.line_store import line_store
from cadence.composition.shared.machines import state_machines
from cadence.composition.shared.schedules import schedules


def deleting() -> DeleteProjects:
    config = settings.load(settings.DeleteProjectsSettings)
    access, people = DynamoAccessStore(config.access_table), DynamoPeopleStore(config.access_table)
    runs = DynamoRunStore(config.runs_table)
    machines = state_machines(config)
    delay = timedelta(seconds=int(config.deletion_delay_seconds))
    tables = {
        "access": config.access_table,
        "alerts": config.alerts_table,
        "logs": config.logs_table,
        "pipelines": config.pipelines_table,
        "repositories": config.repositories_table,
        "runners": config.runners_table,
        "runs": config.runs_table,
        "telemetry": config.telemetry_table,
    }
    objects = S3StoredObjects(Buckets.of(config.data_bucket, config.value_buckets), now, delay)
    data = DynamoProjectData(tables, objects, line_store(config, now), now)
    notes, store = DynamoDeletionNotes(config.access_table), DynamoDeletionStore(config.access_table)
    roles = ManageRoles(policies=people, people=people, directory=access, clock=now)
    sources = CloseSources(
        notes=notes,
        tokens=access,
        githosts=access,
        pipelines=DynamoPipelineStore(config.pipelines_table),
        schedules=schedules(config),
        repositories=ConnectRepository(
            repositories=DynamoRepositoryStore(config.repositories_table),
            hosts=GuardedCodeHosts(EgressPolicy.of(config.git_hosts)),
            keys=RepositoryKeys(KmsCipher(config.secrets_key)),
            record_heads=RecordHeads(heads=DynamoHeads(config.repositories_table), clock=now),
            clock=now,
        ),
        people=people,
        roles=roles,
        runs=runs,
        gates=gates.run_gates(config, runs, machines),
    )
    organization_sources = CloseOrganization(
        notes=notes,
        deletions=store,
        directory=access,
        tokens=access,
        people=people,
        roles=roles,
        pools=DynamoPoolRecords(config.runners_table),
        new_id=new_ulid,
        clock=now,
        delay=delay,
    )
    return DeleteProjects(
        store=store,
        projects=DeletionParts(sources, data),
        organizations=DeletionParts(organization_sources, DynamoOrganizationData(tables, objects, data)),
        audit=DynamoAuditTrail(config.access_table),
        clock=now,
        sleep=time.sleep,
        delay=delay,
    )
