"""Files of commits that a machine keeps: verified at each use, within bounds, only where no other user can write."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from runner_bootstrap.agent.values.chunks import CHUNK_BYTES, ChunkBuffer
from runner_bootstrap.agent.values.content_cache import LONGEST_UNUSED, ContentCache

CONTENT = hashlib.sha256(b"content").hexdigest()
BEGAN = time.time()
URL = "https://store.test/data/sources/acme/web/{}/{:012}?signature={}"


def url(number: int, signature: str = "a", sha256: str = CONTENT) -> str:
    return URL.format(sha256, number, signature)


def take(cache: ContentCache, address: str, sha256: str = CONTENT) -> bytes | None:
    chunk = ChunkBuffer()
    return bytes(chunk.content) if cache.take(sha256, address, chunk) else None


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "workspaces" / "commit-files"


@pytest.mark.parametrize("content", [b"", b"some bytes", bytes(range(256)) * 1024, bytes(CHUNK_BYTES)])
def test_a_chunk_is_kept_whatever_signs_its_url(folder: Path, content: bytes) -> None:
    cache = ContentCache(folder)
    assert take(cache, url(0)) is None

    cache.keep(CONTENT, url(0), memoryview(content))

    assert take(ContentCache(folder), url(0, "another")) == content
    assert take(cache, url(1)) is None
    assert take(cache, url(0).replace("/web/", "/other/")) is None
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("change", [lambda kept: kept[:-1], lambda kept: kept + b"x", lambda kept: b"y" + kept[1:]])
def test_a_changed_file_is_not_used_and_removed(folder: Path, change) -> None:
    cache = ContentCache(folder)
    cache.keep(CONTENT, url(0), memoryview(b"some bytes"))
    (kept,) = folder.iterdir()
    kept.write_bytes(change(kept.read_bytes()))

    assert take(cache, url(0)) is None
    assert list(folder.iterdir()) == []


def test_the_least_recently_used_are_removed(folder: Path) -> None:
    cache = ContentCache(folder, most_bytes=3 * (32 + 100))
    for number in range(3):
        cache.keep(CONTENT, url(number), memoryview(b"%d" % number * 100))
        (newest,) = [path for path in folder.iterdir() if path.stat().st_mtime > BEGAN - 500]
        os.utime(newest, (BEGAN - 1_000 + number, BEGAN - 1_000 + number))
    assert take(cache, url(0)) is not None

    cache.keep(CONTENT, url(3), memoryview(b"3" * 100))

    assert [take(cache, url(number)) is not None for number in range(4)] == [True, False, True, True]
    cache.keep(CONTENT, url(4), memoryview(b"4" * 1000))
    assert take(cache, url(4)) is None
    assert len(list(folder.iterdir())) <= 3


def test_what_is_not_used_for_a_week_is_removed(folder: Path) -> None:
    cache = ContentCache(folder)
    cache.keep(CONTENT, url(0), memoryview(b"kept"))
    for path in folder.iterdir():
        os.utime(path, (BEGAN - LONGEST_UNUSED - 60, BEGAN - LONGEST_UNUSED - 60))

    cache.keep(CONTENT, url(1), memoryview(b"more"))

    assert (take(cache, url(0)), take(cache, url(1))) == (None, b"more")


def test_content_that_is_not_what_its_digest_says_is_forgotten(folder: Path) -> None:
    cache, other = ContentCache(folder), hashlib.sha256(b"other").hexdigest()
    for number in range(2):
        cache.keep(CONTENT, url(number), memoryview(b"damaged"))
    cache.keep(other, url(0, sha256=other), memoryview(b"other"))

    cache.forget(CONTENT)

    assert (take(cache, url(0)), take(cache, url(1))) == (None, None)
    assert take(cache, url(0, sha256=other), other) == b"other"


def test_a_directory_that_others_can_write_is_not_used(folder: Path) -> None:
    cache = ContentCache(folder)
    cache.keep(CONTENT, url(0), memoryview(b"kept"))
    folder.chmod(0o777)

    assert take(cache, url(0)) is None
    cache.keep(CONTENT, url(1), memoryview(b"more"))
    assert len(list(folder.iterdir())) == 1


def test_a_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    cache = ContentCache(folder)
    cache.keep(CONTENT, url(0), memoryview(b"kept"))
    (kept,) = folder.iterdir()
    elsewhere = tmp_path / "elsewhere"
    kept.rename(elsewhere)
    kept.symlink_to(elsewhere)

    assert take(cache, url(0)) is None


def test_a_full_disk_only_means_that_nothing_is_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    cache = ContentCache(folder)

    cache.keep(CONTENT, url(0), memoryview(b"kept"))

    assert list(folder.iterdir()) == []
    assert take(cache, url(0)) is None
