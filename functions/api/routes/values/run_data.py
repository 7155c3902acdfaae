"""Where what a run left lies, and who read it."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from api.endpoint import Call, Endpoints, Model
from cadence.composition.api import Services
from cadence.domain.access.access import Permission

endpoints = Endpoints("data")

DataKindName = Literal[
    "value", "log", "test-report", "summary", "engine", "cache", "source", "document", "record", "other"
]


class LocatedDataView(Model):
    """A part of a run's data in one bucket, or of its records in one table."""

    kind: DataKindName
    name: str
    treatment: str | None
    attempt: int | None
    port: str | None
    pool: str | None = Field(description="The pool whose runner sent it.")
    bucket: str = Field(description="The bucket; of records `table` and the name of the table.")
    region: str | None
    objects: int = Field(
        description="How many objects the bucket has of it, or items the table; 0 if nothing is there (any more)."
    )
    bytes: int = Field(description="Of records about as many as DynamoDB counts.")
    sent: int | None = Field(description="The size that was recorded of a value or cache.")
    kept_until: datetime | None = Field(
        description="From when it is removed. Null while a legal hold is on, for objects also while the run goes on, and for"
        " caches, documents and files of commits."
    )
    held: bool = Field(description="Whether a legal hold keeps it.")
    encryption: str | None
    read_by: list[str] = Field(description="The treatments of the run that were given it as an input.")


class DataReadView(Model):
    """An entry of the audit log: someone read a value, or its beginning, or log lines; once an hour for each.

    Of what shows lines of many runs (searches, live feeds, alerts, dead letters), it is not recorded whether it showed
    lines of this one.
    """

    at: datetime
    actor: str
    by: str = Field(description="The token's name, or the member's; empty once the person was erased.")
    action: str
    target: str
    outcome: str
    source: str


class RunDataView(Model):
    """What lies where, and who read it."""

    run_id: str
    project: str
    data: list[LocatedDataView]
    data_complete: bool = Field(description="False if a bucket has more objects than were listed.")
    reads: list[DataReadView] = Field(description="The newest first; the audit log is kept for a year.")
    reads_complete: bool = Field(description="False if the audit log has more entries than were read.")


@endpoints.add("GET", "/v1/runs/{run_id}/data", Permission.AUDIT_READ, answers={200: RunDataView}, errors=(404,))
def show_run_data(call: Call, services: Services, run_id: str) -> RunDataView:
    """Shows where every byte that a run left lies, how long it is kept and how it is encrypted, and who read it.

    Buckets are asked for the objects that they have, and tables for their items: summaries, results of tests, previews
    of values and records. There is no row for the search index, which is in the bucket of the lines in it.
    """
    run = services.visible.get(call.by, run_id)
    report = services.run_data.report(services.look.read(run))
    reads = [entry for entry in report.reads if call.by.sees(entry.organization, entry.project)]
    return RunDataView(
        run_id=run.run_id,
        project=run.project,
        data=[
            LocatedDataView(
                kind=one.name.kind.value,
                name=one.label,
                treatment=one.name.treatment,
                attempt=one.name.attempt,
                port=one.name.port,
                pool=one.pool,
                bucket=one.bucket,
                region=one.region,
                objects=one.objects,
                bytes=one.bytes,
                sent=one.sent,
                kept_until=one.kept_until,
                held=one.held,
                encryption=one.encryption,
                read_by=list(one.read_by),
            )
            for one in report.data
        ],
        data_complete=report.data_complete,
        reads=[
            DataReadView(
                at=entry.at,
                actor=entry.actor,
                by=actor.name,
                action=entry.action,
                target=entry.target,
                outcome=entry.outcome,
                source=actor.address,
            )
            for entry, actor in zip(reads, services.people.actors_of(call.by, reads), strict=True)
        ],
        reads_complete=report.reads_complete,
    )
