"""Wiring of replays, for the `api` Lambda."""

from dataclasses import dataclass

from cadence.adapters.aws import client
from cadence.adapters.dynamodb.replays import DynamoReplayStore
from cadence.adapters.s3_chunks import S3Chunks
from cadence.application.ports import Documents, PoolStore, RunnerStore, RunStore
from cadence.application.replay import FindOriginal, Replay
from cadence.application.replay_ports import ReplayStore
from cadence.application.runner_ports import SecretStore
from cadence.composition.settings import ApiSettings


@dataclass(frozen=True)
class Replays:
    replay: Replay
    find: FindOriginal
    store: ReplayStore


def replays(
    its: ApiSettings,
    runs: RunStore,
    runners: RunnerStore,
    documents: Documents,
    secrets: SecretStore,
    pools: PoolStore,
) -> Replays:
    find = FindOriginal(runs, runners, S3Chunks(client("s3"), its.data_bucket))
    return Replays(
        replay=Replay(find, documents, secrets, pools),
        find=find,
        store=DynamoReplayStore(its.runs_table),
    )
