"""Wiring of traces, for the `api` Lambda."""

from dataclasses import dataclass

from cadence.adapters.buckets import Buckets
from cadence.adapters.dynamodb.cache_uses import DynamoCacheUses
from cadence.adapters.dynamodb.groups import DynamoGroupStore
from cadence.adapters.dynamodb.hosts import DynamoHostStore
from cadence.adapters.dynamodb.logs import DynamoLogIndex
from cadence.adapters.dynamodb.provenance import DynamoProvenance
from cadence.adapters.s3_chunks import S3Chunks
from cadence.adapters.s3_log_segments import S3LogSegments
from cadence.application.pipeline_ports import PipelineStore
from cadence.application.ports import Documents, RunStore
from cadence.application.provenance.following import ListFollowing
from cadence.application.provenance.known import Stores
from cadence.application.provenance.trace import Trace
from cadence.application.provenance.uses import UsesOfValue
from cadence.composition.settings import ApiSettings


@dataclass(frozen=True)
class Provenance:
    trace: Trace
    uses: UsesOfValue
    following: ListFollowing


def provenance(its: ApiSettings, runs: RunStore, documents: Documents, pipelines: PipelineStore) -> Provenance:
    store = DynamoProvenance(its.runs_table)
    groups, runners = DynamoGroupStore(its.runs_table), DynamoHostStore(its.runners_table)
    stores = Stores(runs, groups, runners, store, documents, pipelines)
    chunks = S3Chunks(Buckets.of(its.data_bucket, its.value_buckets))
    index, segments = DynamoLogIndex(its.logs_table), S3LogSegments(its.data_bucket)
    trace = Trace(stores, chunks, chunks, DynamoCacheUses(its.runners_table), index, segments)
    return Provenance(trace, UsesOfValue(runs, store), ListFollowing(runs, store))
