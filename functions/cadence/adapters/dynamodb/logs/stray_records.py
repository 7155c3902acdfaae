"""`StrayRecords`: the bytes of a record in the data bucket, its description in the table `logs`."""

from collections.abc import Sequence
from typing import ClassVar

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute

from cadence.adapters.aws.clients import client, may_succeed_later
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.adapters.dynamodb.shared.logs_table import LogsTable
from cadence.application.logs.ports import StrayRecords
from cadence.domain.dead_letters.dead_letter import StrayRecord
from cadence.domain.shared.errors import NotFound, Transient
from cadence.domain.shared.retention import KEPT


class StrayRecordItem(LogsTable):
    class Meta:
        table_name: ClassVar[str] = "logs"

    PREFIX: ClassVar[str] = "RECORD#"

    project = UnicodeAttribute()
    run_id = UnicodeAttribute()
    object_key = UnicodeAttribute()
    size = NumberAttribute()
    at = UTCDateTimeAttribute()
    cause = UnicodeAttribute()

    @classmethod
    def item_key(cls, organization: str, number: str) -> tuple[str, str]:
        return f"DEAD_LETTER#{organization}", cls.PREFIX + number

    def record(self) -> StrayRecord:
        return StrayRecord(
            organization=self.pk.removeprefix("DEAD_LETTER#"),
            project=self.project,
            run_id=self.run_id,
            number=self.sk.removeprefix(self.PREFIX),
            object_key=self.object_key,
            size=int(self.size),
            at=self.at,
            cause=self.cause,
        )


class DynamoStrayRecords(StrayRecords):
    def __init__(self, table_name: str, bucket: str) -> None:
        bind(StrayRecordItem, table_name)
        self._bucket = bucket

    def keep(self, record: StrayRecord, content: bytes) -> None:
        # The bytes first: an item without them would promise a record that is not there.
        try:
            client("s3").put_object(Bucket=self._bucket, Key=record.object_key, Body=content)
        except (ClientError, BotoCoreError) as error:
            raise Transient("The store accepts no dead letters right now.") from error
        with translated(f"record {record.number}"):
            StrayRecordItem(
                *StrayRecordItem.item_key(record.organization, record.number),
                project=record.project,
                run_id=record.run_id,
                object_key=record.object_key,
                size=record.size,
                at=record.at,
                cause=record.cause,
                expires_at=record.at + KEPT,
            ).save()

    def list(self, organization: str, limit: int) -> Sequence[StrayRecord]:
        partition, prefix = StrayRecordItem.item_key(organization, "")
        with translated("records that were set aside"):
            items = StrayRecordItem.query(
                partition, StrayRecordItem.sk.startswith(prefix), limit=limit, consistent_read=True
            )
            return [item.record() for item in items]

    def get(self, organization: str, number: str) -> StrayRecord:
        with translated(f"record {number}"):
            try:
                key = StrayRecordItem.item_key(organization, number)
                return StrayRecordItem.get(*key, consistent_read=True).record()
            except StrayRecordItem.DoesNotExist:
                raise NotFound(f"There is no dead letter of record {number}.") from None

    def content(self, record: StrayRecord) -> bytes:
        try:
            content: bytes = client("s3").get_object(Bucket=self._bucket, Key=record.object_key)["Body"].read()
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and error.response["Error"]["Code"] == "NoSuchKey":
                raise NotFound(f"{record.object_key} is not kept any more.") from error
            if may_succeed_later(error):
                raise Transient("The store cannot be reached or is busy.") from error
            raise
        return content

    def remove(self, record: StrayRecord) -> None:
        with translated(f"record {record.number}"):
            StrayRecordItem(*StrayRecordItem.item_key(record.organization, record.number)).delete()
        client("s3").delete_object(Bucket=self._bucket, Key=record.object_key)
