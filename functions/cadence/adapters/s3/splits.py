"""`Splits` in the data bucket and in those of pools; those that are searched are kept in a folder of this machine."""

import io
import tempfile
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from botocore.exceptions import BotoCoreError, ClientError

from cadence.adapters.aws.clients import may_succeed_later
from cadence.adapters.s3.buckets import Buckets, refused
from cadence.adapters.tantivy.building import BuildingOfSplit, merge_splits
from cadence.adapters.tantivy.conditions import may_have
from cadence.adapters.tantivy.layout import KnownWords, SplitHead, read_head
from cadence.adapters.tantivy.reading import TantivySplit
from cadence.adapters.tantivy.split_folder import SplitFolder
from cadence.application.search.split_ports import BuiltSplit, OpenSplit, SplitBuilding, Splits
from cadence.domain.search.pruning import may_match
from cadence.domain.search.query import Everything, Query
from cadence.domain.search.split import Split
from cadence.domain.shared.errors import NotFound, Transient
from cadence.domain.shared.ids import bucket_and_key

# Heads (with the words that are in them) of splits that are not in the folder.
_REMEMBERED_HEADS = 8
_OPENED = 64
_DELETED_AT_ONCE = 1000


class S3Splits(Splits):
    """Stores, builds and opens splits. One in the bucket of a pool that refuses is gone, for as long as it does."""

    def __init__(self, buckets: Buckets, folder: SplitFolder) -> None:
        self._buckets = buckets
        self._folder = folder
        self._opened: OrderedDict[str, TantivySplit] = OrderedDict()
        self._heads: OrderedDict[str, tuple[SplitHead, KnownWords]] = OrderedDict()
        self._lock = threading.Lock()
        self._fetching: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def may_match(self, split: Split, query: Query) -> bool:
        if isinstance(query.where, Everything) or split.split_id in self._opened or self._folder.has(split.split_id):
            return True
        cached = self._head(split)
        if cached is None:
            return True
        head, words = cached
        first, last = split.facts.first_time, split.facts.last_time
        return may_match(query, head.values(), first, last) and may_have(query.where, words)

    def open(self, split: Split) -> OpenSplit | None:
        with self._lock:
            opened = self._opened.get(split.split_id)
            if opened is not None:
                self._opened.move_to_end(split.split_id)
        if opened is not None:
            self._folder.used(split.split_id)
            return opened
        with self._fetching[split.split_id]:
            opened = self._opened.get(split.split_id) or self._folder.open(split.split_id) or self._fetched(split)
        if opened is not None:
            with self._lock:
                self._opened[split.split_id] = opened
                while len(self._opened) > _OPENED:
                    self._opened.popitem(last=False)
        return opened

    @contextmanager
    def build(self, organization: str, project: str) -> Iterator[SplitBuilding]:
        with tempfile.TemporaryDirectory(prefix="cadence-split-") as folder:
            yield BuildingOfSplit(Path(folder) / "split", organization, project)

    @contextmanager
    def merge(self, organization: str, project: str, splits: Sequence[OpenSplit]) -> Iterator[BuiltSplit]:
        with tempfile.TemporaryDirectory(prefix="cadence-split-") as folder:
            file = Path(folder) / "split"
            stored = [cast(TantivySplit, split).stored for split in splits]
            yield BuiltSplit(file, merge_splits(file, organization, project, stored))

    def put(self, built: BuiltSplit, key: str) -> None:
        s3, bucket, name = self._buckets.find(key)
        with _translated(), built.file.open("rb") as body:
            s3.put_object(Bucket=bucket, Key=name, Body=body)

    def remove(self, keys: Iterable[str]) -> None:
        by_bucket: defaultdict[str | None, list[str]] = defaultdict(list)
        for key in keys:
            by_bucket[bucket_and_key(key)[0]].append(key)
        with _translated():
            for remaining in by_bucket.values():
                s3, bucket, _ = self._buckets.find(remaining[0])
                for start in range(0, len(remaining), _DELETED_AT_ONCE):
                    objects = [{"Key": bucket_and_key(key)[1]} for key in remaining[start : start + _DELETED_AT_ONCE]]
                    s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})

    def _fetched(self, split: Split) -> TantivySplit | None:
        """Returns None if the object is gone. Another process may remove a kept split at once, so it is tried again."""
        for _ in range(3):
            body = self._get(split.key)
            if body is None:
                return None
            with _translated():
                self._folder.keep(split.split_id, cast(BinaryIO, body))
            opened = self._folder.open(split.split_id)
            for removed in self._folder.make_room(kept=split.split_id):
                self._opened.pop(removed, None)
            if opened is not None:
                return opened
        raise Transient("The splits do not fit into this machine's folder for them.")

    def _head(self, split: Split) -> tuple[SplitHead, KnownWords] | None:
        cached = self._heads.get(split.split_id)
        if cached is None:
            body = self._get(split.key, Range=f"bytes=0-{split.facts.head_bytes - 1}")
            if body is None:
                return None
            with _translated():
                cached = read_head(io.BytesIO(body.read()))
            self._heads[split.split_id] = cached
            while len(self._heads) > _REMEMBERED_HEADS:
                self._heads.popitem(last=False)
        return cached

    def _get(self, key: str, **more: str) -> Any:
        try:
            s3, bucket, name = self._buckets.find(key)
            with _translated():
                return s3.get_object(Bucket=bucket, Key=name, **more)["Body"]
        except NotFound:
            return None  # the bucket is not used any more
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey" or refused(key, error):
                return None
            raise


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError, EOFError) as error:
        if isinstance(error, EOFError) or may_succeed_later(error):
            raise Transient("The store of the search index cannot be reached or is busy.") from error
        raise
