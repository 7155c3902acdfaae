"""Wiring of replays, for the `api` Lambda."""

from dataclasses import dataclass

from cadence.adapters.aws import client
from cadence.adapters.buckets import Buckets
from cadence.adapters.dynamodb.replays import DynamoReplayStore
from cadence.adapters.s3_chunks import S3Chunks
from cadence.adapters.s3_stored_processes import S3StoredProcesses
from cadence.application.compare_replay import CompareReplay
from cadence.application.melodium.capture_element import CaptureElement
from cadence.application.ports import Documents, PoolStore, RunnerStore, RunStore
from cadence.application.replay import FindOriginal, ListReplays, Replay
from cadence.application.replay_ports import ReplayStore
from cadence.application.runner_ports import SecretStore
from cadence.composition.settings import ApiSettings


@dataclass(frozen=True)
class Replays:
    replay: Replay
    find: FindOriginal
    compare: CompareReplay
    store: ReplayStore
    of: ListReplays


def replays(
    its: ApiSettings,
    runs: RunStore,
    runners: RunnerStore,
    documents: Documents,
    secrets: SecretStore,
    pools: PoolStore,
) -> Replays:
    chunks = S3Chunks(Buckets.of(its.data_bucket, its.value_buckets))
    store = DynamoReplayStore(its.runs_table)
    capture = CaptureElement(S3StoredProcesses(client("s3"), its.data_bucket), documents)
    find = FindOriginal(runs, runners, chunks, capture)
    return Replays(
        replay=Replay(find, documents, secrets, pools),
        find=find,
        compare=CompareReplay(runs, runners, chunks, store),
        store=store,
        of=ListReplays(runs, find, store),
    )
