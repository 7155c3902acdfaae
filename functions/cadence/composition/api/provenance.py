"""Wiring of traces, for the `api` Lambda."""

from dataclasses import dataclass

from cadence.adapters.dynamodb.logs.log_index import DynamoLogIndex
from cadence.adapters.dynamodb.provenance.provenance_store import DynamoProvenance
from cadence.adapters.dynamodb.runners.host_store import DynamoHostStore
from cadence.adapters.dynamodb.runs.groups import DynamoGroupStore
from cadence.adapters.dynamodb.runs.run_store import DynamoRunStore
from cadence.adapters.dynamodb.values.cache_uses import DynamoCacheUses
from cadence.adapters.s3.buckets import Buckets
from cadence.adapters.s3.chunks import S3Chunks
from cadence.adapters.s3.log_segments import S3LogSegments
from cadence.application.pipelines.ports import PipelineStore
from cadence.application.provenance.following import ListFollowing
from cadence.application.provenance.known import Stores
from cadence.application.provenance.trace import Trace
from cadence.application.provenance.uses import UsesOfValue
from cadence.application.shared.ports import Documents
from cadence.composition.shared.settings import ApiSettings


@dataclass(frozen=True)
class Provenance:
    trace: Trace
    uses: UsesOfValue
    following: ListFollowing


def provenance(config: ApiSettings, runs: DynamoRunStore, documents: Documents, pipelines: PipelineStore) -> Provenance:
    store = DynamoProvenance(config.runs_table)
    groups, runners = DynamoGroupStore(config.runs_table), DynamoHostStore(config.runners_table)
    stores = Stores(
        runs=runs,
        treatments=runs,
        values=runs,
        groups=groups,
        runners=runners,
        provenance=store,
        documents=documents,
        pipelines=pipelines,
    )
    chunks = S3Chunks(Buckets.of(config.data_bucket, config.value_buckets))
    trace = Trace(
        stores=stores,
        chunks=chunks,
        times=chunks,
        caches=DynamoCacheUses(config.runners_table),
        index=DynamoLogIndex(config.logs_table),
        segments=S3LogSegments(config.data_bucket, value_buckets=config.value_buckets),
    )
    return Provenance(trace, UsesOfValue(runs, store), ListFollowing(runs, store))
