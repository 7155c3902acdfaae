"""Wiring of replays, for the `api` Lambda."""

from dataclasses import dataclass

from cadence.adapters.aws.clients import client
from cadence.adapters.dynamodb.replay.replay_store import DynamoReplayStore
from cadence.adapters.dynamodb.runs.run_store import DynamoRunStore
from cadence.adapters.s3.buckets import Buckets
from cadence.adapters.s3.chunks import S3Chunks
from cadence.adapters.s3.stored_processes import S3StoredProcesses
from cadence.application.melodium.capture_element import CaptureElement
from cadence.application.replay.compare_replay import CompareReplay
from cadence.application.replay.diff_runs import DiffRuns
from cadence.application.replay.ports import ReplayStore
from cadence.application.replay.replay_treatment import FindOriginal, ListReplays, Replay
from cadence.application.runs.run_details import ReadRunDetails
from cadence.application.runs.visible_runs import VisibleRuns
from cadence.application.shared.ports import Documents, PoolStore
from cadence.application.shared.runner_ports import RunnerStore
from cadence.application.shared.secret_ports import SecretStore
from cadence.composition.shared.settings import ApiSettings


@dataclass(frozen=True, kw_only=True)
class Replays:
    replay: Replay
    find: FindOriginal
    compare: CompareReplay
    diff: DiffRuns
    store: ReplayStore
    of: ListReplays


def replays(
    config: ApiSettings,
    runs: DynamoRunStore,
    runners: RunnerStore,
    documents: Documents,
    secrets: SecretStore,
    pools: PoolStore,
    visible: VisibleRuns,
) -> Replays:
    chunks = S3Chunks(Buckets.of(config.data_bucket, config.value_buckets))
    store = DynamoReplayStore(config.runs_table)
    capture = CaptureElement(S3StoredProcesses(client("s3"), config.data_bucket), documents)
    find = FindOriginal(runs=runs, treatments=runs, values=runs, runners=runners, chunks=chunks, capture=capture)
    return Replays(
        replay=Replay(find, documents, secrets, pools),
        find=find,
        compare=CompareReplay(runs=runs, treatments=runs, values=runs, runners=runners, chunks=chunks, store=store),
        diff=DiffRuns(look=ReadRunDetails(runs, runs, runners, documents), visible=visible, chunks=chunks),
        store=store,
        of=ListReplays(runs, find, store),
    )
