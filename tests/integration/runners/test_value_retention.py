"""What a pool says of its values, from the claim to the last byte: URLs, tables, caches and removal, on moto."""

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from cadence.adapters.aws import clients
from cadence.adapters.dynamodb.access.audit import DynamoAuditTrail
from cadence.adapters.dynamodb.runs.groups import DynamoGroupStore
from cadence.adapters.dynamodb.values.caches import DynamoCacheStore
from cadence.adapters.dynamodb.values.old_runs import DynamoOldRuns
from cadence.adapters.dynamodb.values.storage_ledger import DynamoStorageLedger
from cadence.adapters.s3.buckets import Buckets
from cadence.adapters.s3.chunks import S3Chunks
from cadence.adapters.s3.removal import S3Removal
from cadence.application.runners.claim import ClaimAssignment
from cadence.application.runners.outputs import CommitOutput
from cadence.application.runners.runner_tokens import token_hash
from cadence.application.scheduling.mark_started import MarkStarted
from cadence.application.scheduling.readiness import Readiness
from cadence.application.shared.storage import ReserveStorage
from cadence.application.values.caches import FindCache, SaveCache, WriteCache
from cadence.application.values.purge_transient_values import PurgeTransientValues
from cadence.domain.placement.pool import Pool
from cadence.domain.placement.pool_policy import Policy
from cadence.domain.runners.runner import Runner, RunnerState
from cadence.domain.runs.run import Value
from cadence.domain.runs.states import RunState, TreatmentState
from cadence.domain.shared import ids
from cadence.domain.shared.errors import CannotRun, NotFound
from cadence.domain.values.cache import CacheLimits
from cadence.domain.values.stream import Chunk, StreamEnd
from cadence.domain.values.value_retention import ValueCapture, ValuePolicy, ValueRetention
from tests.fakes.gates import MemoryEnvironments
from tests.fakes.services import MemoryWakeUps, PlainIdTokens, no_sources
from tests.fakes.workers import one_by_one
from tests.integration.runners.conftest import ELSEWHERE, RUN_ID, World

DIGEST = hashlib.sha256(b"content").hexdigest()
EMPTY = hashlib.sha256(b"").hexdigest()
END = StreamEnd(7, DIGEST, 1, b"content")


class Scene:
    """`make` was claimed in a pool with a policy, and sends a chunk."""

    def __init__(self, world: World, policy: ValuePolicy) -> None:
        self.world = world
        world.pools.pools = [Pool(organization="default", name="local", provider="host", policy=Policy(values=policy))]
        self.buckets = Buckets("data", ELSEWHERE)
        self.ledger = DynamoStorageLedger("runners", timedelta(days=90))
        self.readiness = Readiness(
            runs=world.runs,
            treatments=world.runs,
            values=world.runs,
            edges=world.runs,
            groups=DynamoGroupStore("runs"),
            machines=world.machines,
            wake_ups=MemoryWakeUps(),
            clock=world.clock,
            workers=one_by_one,
        )
        self.commit = CommitOutput(
            specs=world.runs.get_spec,
            runners=world.runners,
            streams=world.streams,
            urls=world.urls,
            wake_ups=MemoryWakeUps(),
            reserve=ReserveStorage(self.ledger, 1 << 40, world.clock).reserve,
            stored=S3Chunks(self.buckets).stored,
            notify=lambda *_: None,
        )
        self.read = world.read_input
        self.remove = PurgeTransientValues(
            runs=world.runs,
            treatments=world.runs,
            edges=world.runs,
            retentions=world.retentions,
            remove_values=S3Removal(self.buckets).remove_values,
            storage=self.ledger,
            deadlines=world.deadlines,
            clock=world.clock,
            workers=one_by_one,
        )
        self.make = self.claimed("make")

    def claimed(self, treatment: str) -> Runner:
        world = self.world
        begin = MarkStarted(world.runs, self.readiness, world.machines)
        runner_id = world.launch(treatment)
        world.runners.change_runner(
            runner_id, {RunnerState.OFFERED}, state=RunnerState.BOOTING, one_time_hash=token_hash("once")
        )
        claim = ClaimAssignment(
            note_spec=lambda run_id, spec: None,
            durations=lambda run, spec: {},
            treatments=world.runs, runners=world.runners, secrets=world.secrets, sources=no_sources(), environments=MemoryEnvironments(), machines=world.machines, begin=begin, engine_secrets=lambda *_: {},
            pools=world.pools, retentions=world.retentions, inputs=world.read_input.first_chunks, audit=DynamoAuditTrail("access"), id_tokens=PlainIdTokens(), clock=world.clock,
        )  # fmt: skip
        return claim.claim(runner_id, "once", "nonce", {}).runner

    def send(self) -> tuple[str, str]:
        """Where the agent was told to send its only chunk: bucket and key."""
        sent = [Chunk(0, 7, DIGEST), Chunk(1, 0, EMPTY)]
        (first, last) = self.commit.commit(self.make, "wheel", [], None, 0, sent).uploads
        for upload, content in ((first, b"content"), (last, b"")):
            bucket, key = place(upload.url)
            clients.client("s3").put_object(Bucket=bucket, Key=key, Body=content, ChecksumAlgorithm="SHA256")
        self.commit.commit(self.make, "wheel", sent, END, 2, ())
        return place(first.url)

    def settled(self) -> Value:
        world = self.world
        (output,) = world.runners.list_outputs(self.make.runner_id)
        treatment = world.runs.get_treatment(RUN_ID, "make")
        value = Value(
            run_id=RUN_ID, treatment="make", port="wheel", flow="stream", type="byte", sha256=output.sha256 or "", size=output.size, chunks=output.committed, attempt=1,
            preview=output.preview, retention=treatment.retention,
        )  # fmt: skip
        world.runs.put_values([value])
        return world.runs.get_value(RUN_ID, "make", "wheel")

    def objects(self, bucket: str) -> list[str]:
        return [one["Key"] for one in clients.client("s3").list_objects_v2(Bucket=bucket).get("Contents", ())]

    def end_run(self) -> None:
        runs = self.world.runs
        runs.finish_run(runs.get_run(RUN_ID), RunState.SUCCEEDED, None, self.world.clock())


def place(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.netloc.split(".")[0], parts.path.removeprefix("/")


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    asked: list[Any] = []
    monkeypatch.setattr(
        "tests.integration.runners.conftest.FakeDeadlines.watch_late_values", lambda _, *what: asked.append(what)
    )
    return asked


def test_without_a_policy_nothing_is_noted(world: World) -> None:
    scene = Scene(world, ValuePolicy())
    assert scene.send() == ("data", ids.chunk_key(RUN_ID, "make", 1, "wheel", 0))
    assert (scene.make.retention, world.runs.get_run(RUN_ID).keeps_values_elsewhere) == (None, False)
    assert "retention" not in world.items("runs") and "RETENTION#" not in world.items("runs")
    assert scene.settled().preview == b"content"


def test_chunks_go_to_the_pools_bucket_and_are_read_from_there(world: World) -> None:
    scene = Scene(world, ValuePolicy(bucket="elsewhere"))
    bucket, key = scene.send()
    assert (bucket, key) == ("elsewhere", ids.chunk_key(RUN_ID, "make", 1, "wheel", 0))
    assert (scene.objects("data"), len(scene.objects("elsewhere"))) == ([], 2)
    consumer = scene.claimed("test")
    # While it flows, by the treatment; afterwards by the value.
    assert place(scene.read.read(consumer, "wheel", 1, 0).downloads[0].url) == (bucket, key)
    value = scene.settled()
    world.runs.settle(world.runs.get_treatment(RUN_ID, "make"), TreatmentState.SUCCEEDED, None, 0, world.clock())
    assert place(scene.read.read(consumer, "wheel", 1, 0).downloads[0].url) == (bucket, key)
    assert b"".join(S3Chunks(scene.buckets).read_whole([value.chunk_key(0)])) == b"content"
    assert value.preview == b"" and "content" not in world.items("runs") + world.items("runners")
    assert world.runs.get_treatment(RUN_ID, "test").ends_retention

    # Retention finds it there.
    assert DynamoOldRuns("logs", "runs").buckets(RUN_ID) == {"elsewhere"}


def test_what_passes_is_removed_with_its_digest_if_none_may_stay(world: World, late: list[Any]) -> None:
    scene = Scene(world, ValuePolicy(ValueCapture.NONE, "elsewhere"))
    scene.send()
    consumer = scene.claimed("test")
    value = scene.settled()
    assert DIGEST in world.items("runs") and "DIGEST#" not in world.items("runs")
    assert scene.read.read(consumer, "wheel", 1, 0).end == replace(END, preview=b"")
    scene.remove.purge(RUN_ID, "make")
    assert len(scene.objects("elsewhere")) == 2  # it has not ended
    scene.end_run()
    assert scene.remove.purge(RUN_ID) == 2
    assert scene.objects("elsewhere") == []
    assert DIGEST not in world.items("runs") + world.items("runners")
    stays = world.runs.get_value(RUN_ID, "make", "wheel")
    assert (stays.digest, stays.size, stays.retention) == (
        None,
        value.size,
        ValueRetention("local", ValueCapture.NONE, "elsewhere"),
    )
    assert world.streams.get_progress(scene.make.runner_id, "wheel").end is not None
    assert scene.remove.purge(RUN_ID) == 0
    assert len(late) == 2


def test_a_digest_stays_where_it_may(world: World, late: list[Any]) -> None:
    scene = Scene(world, ValuePolicy(ValueCapture.DIGEST))
    assert scene.send()[0] == "data"
    scene.settled()
    scene.end_run()
    assert scene.remove.purge(RUN_ID) == 2
    assert world.runs.get_value(RUN_ID, "make", "wheel").digest == DIGEST
    assert f"DIGEST#default#default#{DIGEST}" in world.items("runs")


def test_the_policy_of_a_claim_holds_for_the_attempt(world: World) -> None:
    scene = Scene(world, ValuePolicy(bucket="elsewhere"))
    world.pools.pools = [Pool(organization="default", name="local", provider="host")]
    assert world.runners.get_runner(scene.make.runner_id).retention == ValueRetention("local", bucket="elsewhere")
    assert scene.send()[0] == "elsewhere"


def test_a_pool_that_is_gone_gives_nothing_to_do(world: World) -> None:
    scene = Scene(world, ValuePolicy())
    world.pools.pools = []
    with pytest.raises(CannotRun, match="pool local does not exist any more"):
        scene.claimed("test")


def test_a_bucket_that_the_installation_no_longer_has_is_named(world: World) -> None:
    scene = Scene(world, ValuePolicy(bucket="forgotten"))
    with pytest.raises(NotFound, match="bucket forgotten, which this installation does not use any more"):
        scene.commit.commit(scene.make, "wheel", [], None, 0, [Chunk(0, 7, DIGEST)])


def test_caches_stay_in_their_bucket_and_are_none_where_nothing_stays(world: World) -> None:
    scene = Scene(world, ValuePolicy(bucket="elsewhere"))
    store, limits = DynamoCacheStore("runners"), CacheLimits(1 << 20, 1 << 20)
    find, save = FindCache(store, world.clock), SaveCache(world.runs, store, world.clock)
    chunks = S3Chunks(scene.buckets)
    write = WriteCache(
        caches=store, remove_objects=S3Removal(scene.buckets).remove, stored=chunks.stored, stored_sizes=chunks.sizes,
        urls=world.urls, limits=limits, clock=world.clock,
    )  # fmt: skip
    entry = save.save(scene.make, "pip").entry
    assert entry
    sent = [Chunk(0, 7, DIGEST), Chunk(1, 0, EMPTY)]
    uploads = write.write(scene.make, "pip", entry, [], None, 0, sent).uploads
    assert place(uploads[0].url) == ("elsewhere", f"caches/default/default/{entry}/000000")
    for upload, content in zip(uploads, (b"content", b""), strict=True):
        bucket, key = place(upload.url)
        clients.client("s3").put_object(Bucket=bucket, Key=key, Body=content, ChecksumAlgorithm="SHA256")
    write.write(scene.make, "pip", entry, sent, END, 2, ())
    found = find.find(scene.make, "pip", ())
    assert found and (found.entry.entry, found.entry.bucket) == (entry, "elsewhere")
    usual = replace(scene.make, retention=None)
    assert find.find(usual, "pip", ("p",)) is None
    other = save.save(usual, "pip").entry
    assert other and other != entry
    passing = replace(scene.make, retention=ValueRetention("local", ValueCapture.DIGEST))
    assert save.save(passing, "npm").refused == "pool local captures digests only, and a cache consists of content"
