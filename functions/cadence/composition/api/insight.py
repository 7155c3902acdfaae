"""Wiring of insight into treatments, for the `api` Lambda."""

from dataclasses import dataclass

from cadence.adapters.dynamodb.logs.log_index import DynamoLogIndex
from cadence.adapters.dynamodb.runners.samples import DynamoSampleStore
from cadence.adapters.dynamodb.runners.stream_store import DynamoStreamStore
from cadence.adapters.dynamodb.runs.groups import DynamoGroupStore
from cadence.adapters.s3.buckets import Buckets
from cadence.adapters.s3.chunks import S3Chunks
from cadence.adapters.s3.log_segments import S3LogSegments
from cadence.application.insight.diagnose import Diagnose
from cadence.application.insight.treatment_insight import ReadTreatmentInsight
from cadence.application.logs.last_lines import LastLines
from cadence.application.runners.read_flows import ReadFlows
from cadence.application.runners.resource_series import ResourceSeries
from cadence.application.shared.runner_ports import HostStore
from cadence.application.values.read_content import ReadContent
from cadence.composition.shared.settings import ApiSettings


@dataclass(frozen=True, kw_only=True)
class Debugging:
    look: ReadTreatmentInsight
    flows: ReadFlows
    diagnose: Diagnose
    content: ReadContent
    resources: ResourceSeries


def debugging(config: ApiSettings, hosts: HostStore) -> Debugging:
    log_index = DynamoLogIndex(config.logs_table)
    look = ReadTreatmentInsight(hosts, DynamoGroupStore(config.runs_table), log_index)
    chunks = S3Chunks(Buckets.of(config.data_bucket, config.value_buckets))
    streams = DynamoStreamStore(config.runners_table)
    return Debugging(
        look=look,
        flows=ReadFlows(streams, hosts),
        diagnose=Diagnose(LastLines(log_index, S3LogSegments(config.data_bucket, value_buckets=config.value_buckets))),
        content=ReadContent(chunks, streams, look),
        resources=ResourceSeries(DynamoSampleStore(config.runners_table)),
    )
