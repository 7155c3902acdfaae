"""Paths of the working directory that are kept between runs. Errors here are warnings and never fail the treatment."""

from __future__ import annotations

import hashlib
import io
import os
import time
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any, Callable, NamedTuple

from ..assignments.assignment import AssignedCache
from ..beneath.held_directory import HeldDirectory
from ..beneath.matching import matches
from ..execution.workspace import Workspace
from ..logs.buffer import LogBuffer
from ..logs.masking import Masker
from ..shared.errors import INFRASTRUCTURE, AgentError, GatewayError, LeaseLost, Stopped, TreatmentFailed
from ..shared.termination import Termination
from ..shared.threads import WorkerThreads
from . import archives, workspace_paths
from .chunks import ChunkStore
from .inputs import InputDownload
from .outputs import OutputUpload
from .path_ports import file_sink
from .upload_credits import Requests, UploadCredits

Call = Callable[[str, dict[str, Any]], dict[str, Any]]
_PIECE = 1 << 20


class PlannedCache(NamedTuple):
    """A cache with its complete key; ``save`` is true if something has to be saved under it."""

    cache: AssignedCache
    key: str
    save: bool


class TreatmentCaches:
    """Restores and saves the caches of a treatment.

    ``call`` sends a path and a body to the gateway and returns the answer.
    """

    def __init__(
        self,
        caches: Sequence[AssignedCache],
        workspace: Workspace,
        call: Call,
        termination: Termination,
        masker: Masker,
        log: LogBuffer,
    ) -> None:
        self._caches, self._workspace, self._call = caches, workspace, call
        self._termination, self._masker, self._log = termination, masker, log
        self._planned: list[PlannedCache] = []

    def restore(self) -> None:
        """Restores the caches that exist.

        Raises TreatmentFailed if a file of a key is missing, Stopped.
        """
        for cache in self._caches:
            key = _key(cache, self._workspace.held_work)
            exact = False
            try:
                exact = self._restore(cache, key)
            except (AgentError, GatewayError, OSError) as error:
                self._warn(f"{key} cannot be restored", error)
            self._planned.append(PlannedCache(cache, key, not exact))

    def save(self) -> None:
        """Saves the caches that did not exist under their key. Raises Stopped."""
        for planned in self._planned:
            if planned.save:
                try:
                    self._save(planned)
                except (AgentError, GatewayError, OSError) as error:
                    self._warn(f"{planned.key} cannot be saved", error)

    def _restore(self, cache: AssignedCache, key: str) -> bool:
        """Returns whether the restored cache has exactly this key."""
        entry = self._call("cache/find", {"key": key, "restore": cache.restore})["found"]
        if not entry:
            self._log.say(f"cache: miss {key}")
            return False
        termination = _CacheTermination(self._termination)
        entry_key = {"key": entry["key"], "entry": entry["entry"]}
        source = InputDownload(
            "cache", lambda body: self._call("cache/read", {**entry_key, **body}), ChunkStore(termination), termination
        )
        # Downloaded and checked as a whole first, since half a cache may be worse than none.
        with self._workspace.held_tmp.temporary_file() as archive:
            source.read(file_sink(archive))
            archive.seek(0)
            archives.unpack(archive, self._workspace.held_work, "the cache")
        exact = bool(entry["exact"])
        self._log.say(f"cache: hit {key}" if exact else f"cache: restored from {entry['key']} for {key}")
        return exact

    def _save(self, planned: PlannedCache) -> None:
        work = self._workspace.held_work
        names = [name for path in planned.cache.paths for name in matches(work, str(PurePosixPath(path)))]
        if not names:
            self._log.say(
                f"cache: nothing to save for {planned.key}: {', '.join(planned.cache.paths)} is not there", "warning"
            )
            return
        answer = self._call("cache/save", {"key": planned.key})
        if not answer["entry"]:
            self._log.say(f"cache: {planned.key} is not saved: {answer['refused']}")
            return
        entry_key = {"key": planned.key, "entry": answer["entry"]}
        termination = _CacheTermination(self._termination)

        refusals: list[str] = []

        def write(requests: Requests) -> Requests:
            answers = {name: self._call("cache/write", {**entry_key, **body}) for name, body in requests.items()}
            refusals.extend(answer["refused"] for answer in answers.values() if answer.get("refused"))
            return answers

        upload_credits = UploadCredits(write, termination)
        output = OutputUpload(
            name="cache",
            upload_credits=upload_credits,
            store=ChunkStore(termination),
            termination=termination,
            masker=self._masker,
            failed=termination.fail,
        )
        reader, writer = os.pipe()

        def pack() -> None:
            with open(writer, "wb") as out:
                try:
                    archives.pack(work, names, out)
                except Exception as error:  # noqa: BLE001 - reported before the archive's reader sees the end
                    termination.fail(error)

        workers = WorkerThreads(termination, termination.fail)
        workers.start("credits-cache", lambda: upload_credits.serve([output]))
        output.follow_file(io.FileIO(reader))
        workers.start("pack-cache", pack)
        try:
            workers.join()
            output.finish()
        except Stopped:
            termination.raise_error()
            raise
        # Another runner may have saved the key since this one began to.
        self._log.say(
            f"cache: {planned.key} is not saved: {refusals[0]}" if refusals else f"cache: saved {planned.key}"
        )

    def _warn(self, what: str, error: Exception) -> None:
        self._termination.check()
        if isinstance(error, LeaseLost):
            raise error
        self._log.say(f"cache: {what}: {error}", "warning")


class _CacheTermination(Termination):
    """Terminates with the assignment, or by an error of its own, which then terminates nothing else."""

    def __init__(self, assignment: Termination) -> None:
        super().__init__()
        self._assignment = assignment
        self._error: Exception | None = None

    def fail(self, error: Exception) -> None:
        if not isinstance(error, Stopped) and self._error is None:
            self._error = error
            self.decide(INFRASTRUCTURE, str(error))

    def raise_error(self) -> None:
        """Raises the error of this cache, unless the assignment has terminated."""
        self._assignment.check()
        if self._error:
            raise (
                self._error
                if isinstance(self._error, (AgentError, GatewayError, OSError))
                else AgentError(f"{type(self._error).__name__}: {self._error}")
            )

    def check(self) -> None:
        self._assignment.check()
        super().check()

    def sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while True:
            self.check()
            seconds = until - time.monotonic()
            if seconds <= 0:
                return
            self.wait(min(0.2, seconds))


def _key(cache: AssignedCache, work: HeldDirectory) -> str:
    """Returns the key with the hash of its files' names and content. Raises TreatmentFailed if a file is missing."""
    if not cache.files:
        return cache.key
    names: set[str] = set()
    for pattern in cache.files:
        files = [name for name in matches(work, str(PurePosixPath(pattern))) if _is_own_file(work, name)]
        if not files:
            raise workspace_paths.nothing(work, pattern, f"cache {cache.key}", "is no file")
        names.update(files)
    digest = hashlib.sha256()
    for name in sorted(names):
        digest.update(f"{name}\0{_file_digest(work, name)}\0".encode("utf-8", "surrogateescape"))
    return f"{cache.key}-{digest.hexdigest()}"


def _is_own_file(work: HeldDirectory, name: str) -> bool:
    try:
        with work.open_file(name):
            return True
    except OSError:
        return False


def _file_digest(work: HeldDirectory, name: str) -> str:
    digest = hashlib.sha256()
    try:
        with work.open_file(name) as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
    except OSError as error:
        raise TreatmentFailed(f"{name}, a file of a cache's key, cannot be read: {error.strerror}") from error
    return digest.hexdigest()
