"""Wiring of what looks into treatments, for the `api` Lambda."""

from dataclasses import dataclass

from cadence.adapters.buckets import Buckets
from cadence.adapters.dynamodb.groups import DynamoGroupStore
from cadence.adapters.dynamodb.logs import DynamoLogIndex
from cadence.adapters.dynamodb.samples import DynamoSampleStore
from cadence.adapters.dynamodb.streams import DynamoStreamStore
from cadence.adapters.s3_chunks import S3Chunks
from cadence.adapters.s3_log_segments import S3LogSegments
from cadence.application.diagnose import Diagnose
from cadence.application.last_lines import LastLines
from cadence.application.read_content import ReadContent
from cadence.application.resource_series import ResourceSeries
from cadence.application.runner_ports import HostStore
from cadence.application.treatment_insight import LookIntoTreatment
from cadence.composition.settings import ApiSettings


@dataclass(frozen=True)
class Debugging:
    look: LookIntoTreatment
    diagnose: Diagnose
    content: ReadContent
    resources: ResourceSeries


def debugging(its: ApiSettings, hosts: HostStore) -> Debugging:
    look = LookIntoTreatment(hosts, DynamoGroupStore(its.runs_table))
    chunks = S3Chunks(Buckets.of(its.data_bucket, its.value_buckets))
    return Debugging(
        look=look,
        diagnose=Diagnose(LastLines(DynamoLogIndex(its.logs_table), S3LogSegments(its.data_bucket))),
        content=ReadContent(chunks, DynamoStreamStore(its.runners_table), look),
        resources=ResourceSeries(DynamoSampleStore(its.runners_table)),
    )
