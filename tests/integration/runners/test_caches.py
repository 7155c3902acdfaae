"""Caches on moto: found by key or prefix, uploaded by grants, the first of a key stays, the unused go."""

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from cadence.adapters.aws import clients
from cadence.adapters.dynamodb.values.cache_uses import DynamoCacheUses
from cadence.adapters.dynamodb.values.caches import DynamoCacheStore
from cadence.adapters.s3.buckets import Buckets
from cadence.adapters.s3.chunks import S3Chunks
from cadence.adapters.s3.removal import S3Removal
from cadence.application.values.caches import CacheHit, FindCache, ReadCache, SaveCache, WriteCache
from cadence.domain.runners.runner import Runner, RunnerState
from cadence.domain.shared.errors import Conflict, NotFound, TooLarge
from cadence.domain.values.cache import CacheLimits, CacheMaker
from cadence.domain.values.stream import Chunk, InputState, StreamEnd
from tests.integration.runners.conftest import RUN_ID, World

MIB = 1 << 20
DAY = 86_400
X = hashlib.sha256(b"x").hexdigest()


class Caches:
    def __init__(self, world: World) -> None:
        self.world = world
        self.store = DynamoCacheStore("runners")
        limits = CacheLimits(entry=20 * MIB, project=30 * MIB)
        self.find = FindCache(self.store, world.clock)
        self.read = ReadCache(self.store, world.urls)
        self.begin = SaveCache(world.runs, self.store, world.clock)
        self.write = WriteCache(
            caches=self.store,
            remove_objects=S3Removal(Buckets("data")).remove,
            stored=S3Chunks(Buckets("data")).stored,
            stored_sizes=self.sizes,
            urls=world.urls,
            limits=limits,
            clock=world.clock,
        )
        # Sizes of the chunks that the bucket is to have, by entry: the objects themselves are small.
        self.uploaded: dict[str, list[int]] = {}
        runner_id = world.launch("make")
        self.runner = world.runners.change_runner(runner_id, {RunnerState.OFFERED}, state=RunnerState.CLAIMED)

    def save(self, key: str, size: int = 9 * MIB, by: Runner | None = None) -> str:
        entry = self.begin.save(by or self.runner, key).entry
        assert entry
        self.upload(entry, size - 1, 1, 0)
        self.write.write(by or self.runner, key, entry, [], StreamEnd(size, "0" * 64, 2), 2, ())
        return entry

    def upload(self, entry: str, *sizes: int) -> None:
        self.uploaded[entry] = list(sizes)
        for seq in range(2):
            key = f"caches/default/default/{entry}/{seq:06}"
            clients.client("s3").put_object(Bucket="data", Key=key, Body=b"x", ChecksumAlgorithm="SHA256")

    def sizes(self, prefix: str) -> list[int]:
        return self.uploaded.get(prefix.split("/")[3], [])

    def found(self, key: str, *restore: str, by: Runner | None = None) -> tuple[str, bool] | None:
        found: CacheHit | None = self.find.find(by or self.runner, key, restore)
        return (found.entry.entry, found.exact) if found else None

    @property
    def objects(self) -> set[str]:
        listed = clients.client("s3").list_objects_v2(Bucket="data", Prefix="caches/").get("Contents", [])
        return {found["Key"].split("/")[3] for found in listed}


@pytest.fixture
def caches(world: World) -> Caches:
    return Caches(world)


def test_a_key_is_found_and_else_the_newest_of_the_first_prefix_that_any_has(caches: Caches) -> None:
    assert caches.found("pip-1", "pip-") is None
    old = caches.save("pip-1")
    caches.world.clock.pass_time(1)
    new = caches.save("pip-0")
    assert caches.found("pip-1") == (old, True)
    assert caches.found("pip-2", "npm-", "pip-", "p") == (new, False)
    assert caches.found("pip-2") is None


def test_another_project_finds_nothing(caches: Caches) -> None:
    caches.save("pip-1")
    stranger = replace(caches.runner, project="other")
    assert caches.found("pip-1", "pip-", by=stranger) is None
    with pytest.raises(NotFound):
        caches.read.read(stranger, "pip-1", "0" * 26, 0)


def test_an_entry_is_read_like_a_stream_that_has_ended(caches: Caches) -> None:
    entry = caches.save("pip-1")
    answer = caches.read.read(caches.runner, "pip-1", entry, 0)
    assert (answer.epoch, answer.state, answer.end) == (1, InputState.ENDED, StreamEnd(9 * MIB, "0" * 64, 2))
    assert [download.seq for download in answer.downloads] == [0, 1]
    assert f"/caches/default/default/{entry}/000000?" in answer.downloads[0].url
    assert caches.read.read(caches.runner, "pip-1", entry, 0, done=True).downloads == []


def test_an_entry_is_there_only_once_its_upload_has_ended(caches: Caches) -> None:
    entry = caches.begin.save(caches.runner, "pip-1").entry
    assert entry
    granted = caches.write.write(caches.runner, "pip-1", entry, [], None, 0, [Chunk(seq, 5, X) for seq in range(3)])
    assert [upload.seq for upload in granted.uploads] == [0, 1, 2]
    assert caches.found("pip-1") is None
    caches.upload(entry, 5, 0)
    end = StreamEnd(5, "0" * 64, 1)
    for _ in range(2):  # the first answer may be lost
        caches.write.write(caches.runner, "pip-1", entry, [], end, 1, ())
    assert caches.found("pip-1") == (entry, True)


def test_the_first_of_two_savers_wins(caches: Caches) -> None:
    first, second = (caches.begin.save(caches.runner, "pip-1").entry for _ in range(2))
    assert first
    assert second
    refused = []
    for entry in (second, first):
        caches.upload(entry, 5, 0)
        answer = caches.write.write(caches.runner, "pip-1", entry, [], StreamEnd(5, "0" * 64, 1), 1, ())
        refused.append(answer.refused)
    assert refused == [None, "it was saved by another runner meanwhile"]
    assert caches.found("pip-1") == (second, True)
    assert caches.objects == {second}
    assert caches.begin.save(caches.runner, "pip-1").refused == "it was saved by another runner meanwhile"


def test_only_its_runner_writes_an_upload(caches: Caches) -> None:
    entry = caches.begin.save(caches.runner, "pip-1").entry
    assert entry
    other = replace(caches.runner, runner_id=caches.runner.runner_id[:-1] + "2")
    for runner, key in ((other, "pip-1"), (caches.runner, "pip-2")):
        with pytest.raises(NotFound):
            caches.write.write(runner, key, entry, [], None, 0, [])


def test_a_pull_request_of_a_fork_restores_but_does_not_save(caches: Caches, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = caches.save("pip-1")
    get_run = caches.world.runs.get_run
    monkeypatch.setattr(caches.world.runs, "get_run", lambda run_id: replace(get_run(RUN_ID), event={"fork": True}))
    assert caches.found("pip-1") == (entry, True)
    saving = caches.begin.save(caches.runner, "pip-2")
    assert (saving.entry, saving.refused) == (None, "a pull request from a fork restores caches, but saves none")


@pytest.mark.parametrize(
    "said", [{"end": StreamEnd(21 * MIB, "0" * 64, 3), "next_seq": 3}, {"end": None, "next_seq": 3}]
)
def test_a_cache_over_the_limit_leaves_nothing(caches: Caches, said: dict[str, Any]) -> None:
    entry = caches.begin.save(caches.runner, "pip-1").entry
    assert entry
    caches.upload(entry, 1, 1)
    with pytest.raises(TooLarge, match="may take 20 MiB"):
        caches.write.write(caches.runner, "pip-1", entry, [], wanted=[], **said)
    assert caches.objects == set()
    assert caches.found("pip-1") is None


@pytest.mark.parametrize(
    ("sizes", "chunk"),
    [
        ((), None),
        ((5,), None),
        ((4, 0), None),
        ((5, 0, 0), None),
        ((5, 0), Chunk(0, 5, "ab" * 32)),
        ((5, 0), Chunk(2, 5, "ab" * 32)),
    ],
    ids=["nothing", "not-ended", "shorter", "more", "another-digest", "not-there"],
)
def test_a_cache_that_the_bucket_contradicts_leaves_nothing(
    caches: Caches, sizes: tuple[int, ...], chunk: Chunk | None
) -> None:
    entry = caches.begin.save(caches.runner, "pip-1").entry
    assert entry
    caches.upload(entry, *sizes)
    with pytest.raises(Conflict, match=r"in the bucket|bucket has"):
        caches.write.write(caches.runner, "pip-1", entry, [chunk] if chunk else [], StreamEnd(5, "0" * 64, 1), 2, ())
    assert caches.objects == set()
    assert caches.found("pip-1") is None


def test_chunks_of_a_cache_are_accepted_as_they_were_reported(caches: Caches) -> None:
    entry = caches.begin.save(caches.runner, "pip-1").entry
    assert entry
    caches.upload(entry, 1, 0)
    caches.write.write(caches.runner, "pip-1", entry, [Chunk(0, 1, X)], StreamEnd(1, X, 1), 2, ())
    assert caches.found("pip-1") == (entry, True)


def test_what_was_not_used_for_longest_makes_room(caches: Caches) -> None:
    entries = {}
    for key in ("a", "b", "c"):
        entries[key] = caches.save(key)
        caches.world.clock.pass_time(60)
    caches.found("a")
    entries["d"] = caches.save("d")
    assert {key: caches.found(key) is not None for key in "abcd"} == {"a": True, "b": False, "c": True, "d": True}
    assert caches.objects == {entries[key] for key in "acd"}


def test_unused_entries_and_abandoned_uploads_go(caches: Caches) -> None:
    unused, used = caches.save("a"), caches.save("b")
    abandoned = caches.begin.save(caches.runner, "c").entry
    assert abandoned
    caches.upload(abandoned, 1)
    caches.world.clock.pass_time(20 * DAY)
    caches.found("b")
    caches.world.clock.pass_time(15 * DAY)
    assert caches.found("a") is None
    assert caches.objects == {unused, used, abandoned}
    again = caches.save("a")
    assert caches.objects == {used, again}
    assert caches.found("a") == (again, True)
    caches.world.clock.pass_time(1)
    for _ in range(4):  # however often it is used, it ends after 90 days
        caches.found("b")
        caches.world.clock.pass_time(20 * DAY)
    assert caches.found("b") is None


def test_who_saved_and_who_restored_an_entry_is_kept(caches: Caches) -> None:
    history = DynamoCacheUses("runners")
    entry = caches.save("pip-1")
    other = replace(caches.runner, runner_id="later", run_id="02later", treatment="test", attempt=2)
    assert caches.found("pip-2", "pip-", by=other) == (entry, False)
    assert caches.found("pip-2", "pip-", by=other) == (entry, False)

    (saved,) = history.saved(caches.runner.runner_id)
    (restored,) = history.restored("later")

    maker = CacheMaker(RUN_ID, "make", 1)
    assert (saved.entry, saved.key, saved.maker) == (entry, "pip-1", maker)
    assert (restored.run_id, restored.treatment, restored.attempt) == ("02later", "test", 2)
    assert (restored.entry, restored.key, restored.asked) == (entry, "pip-1", "pip-2")
    assert (restored.size, restored.sha256, restored.maker) == (9 * MIB, "0" * 64, maker)
    assert not history.saved("later") and not history.restored(caches.runner.runner_id)
    assert list(history.restores_of("default", "default", entry, 5).items) == [restored]
    assert not history.restores_of("default", "other", entry, 5).items
    third = replace(other, runner_id="last", run_id="03last")
    caches.found("pip-1", by=third)
    page = history.restores_of("default", "default", entry, 1)
    assert [use.run_id for use in page.items] == ["02later"]
    assert [use.run_id for use in history.restores_of("default", "default", entry, 1, page.after).items] == ["03last"]
