"""Paths of the working directory kept between runs. Whatever goes wrong here is a warning, never the treatment's end."""

from __future__ import annotations

import hashlib
import io
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Callable, NamedTuple

from ..assignments.assignment import Cache
from ..execution.workspace import Workspace
from ..logs.buffer import LogBuffer
from ..logs.masking import Masker
from ..shared.errors import INFRASTRUCTURE, AgentError, GatewayError, LeaseLost, Stopped, TreatmentFailed
from ..shared.termination import Ending
from ..shared.threads import Workers
from . import archives, workspace_paths
from .chunks import Store
from .inputs import Input
from .outputs import Output
from .path_ports import file_sink
from .upload_credits import Credits, Requests

Call = Callable[[str, dict[str, Any]], dict[str, Any]]
_PIECE = 1 << 20


class Wanted(NamedTuple):
    """A cache with its whole key, and whether there is something to save under it."""

    cache: Cache
    key: str
    save: bool


class Caches:
    """``call`` speaks to the gateway: path and body → answer."""

    def __init__(
        self,
        caches: Sequence[Cache],
        workspace: Workspace,
        call: Call,
        ending: Ending,
        masker: Masker,
        log: LogBuffer,
    ) -> None:
        self._caches, self._workspace, self._call = caches, workspace, call
        self._ending, self._masker, self._log = ending, masker, log
        self._wanted: list[Wanted] = []

    def restore(self) -> None:
        """Bring back what is there. Raises TreatmentFailed for a file of a key that is missing, Stopped."""
        for cache in self._caches:
            key = _key(cache, self._workspace.work)
            exact = False
            try:
                exact = self._restore(cache, key)
            except (AgentError, GatewayError, OSError) as error:
                self._warn(f"{key} cannot be restored", error)
            self._wanted.append(Wanted(cache, key, not exact))

    def save(self) -> None:
        """Keep what was not there. Raises Stopped."""
        for wanted in self._wanted:
            if wanted.save:
                try:
                    self._save(wanted)
                except (AgentError, GatewayError, OSError) as error:
                    self._warn(f"{wanted.key} cannot be saved", error)

    def _restore(self, cache: Cache, key: str) -> bool:
        """Whether what was brought back is of this very key."""
        found = self._call("cache/find", {"key": key, "restore": cache.restore})["found"]
        if not found:
            self._log.say(f"cache: miss {key}")
            return False
        part = _Part(self._ending)
        about = {"key": found["key"], "entry": found["entry"]}
        source = Input("cache", lambda body: self._call("cache/read", {**about, **body}), Store(part), part)
        # First all of it, and checked: half a cache may be worse than none.
        archive = self._workspace.tmp / f"cache-{found['entry']}"
        try:
            with archive.open("wb", buffering=0) as file:
                source.read(file_sink(file))
            with archive.open("rb") as content:
                archives.unpack(content, self._workspace.work, "the cache")
        finally:
            archive.unlink(missing_ok=True)
        exact = bool(found["exact"])
        self._log.say(f"cache: hit {key}" if exact else f"cache: restored from {found['key']} for {key}")
        return exact

    def _save(self, wanted: Wanted) -> None:
        work = self._workspace.work
        names = [name for path in wanted.cache.paths for name in workspace_paths.matches(work, str(Path(path)))]
        if not names:
            self._log.say(
                f"cache: nothing to save for {wanted.key}: {', '.join(wanted.cache.paths)} is not there", "warning"
            )
            return
        answer = self._call("cache/save", {"key": wanted.key})
        if not answer["entry"]:
            self._log.say(f"cache: {wanted.key} is not saved: {answer['refused']}")
            return
        about = {"key": wanted.key, "entry": answer["entry"]}
        part = _Part(self._ending)

        def write(requests: Requests) -> Requests:
            return {name: self._call("cache/write", {**about, **body}) for name, body in requests.items()}

        account = Credits(write, part)
        output = Output(
            "cache",
            account,
            Store(part),
            part,
            self._masker,
            part.fail,
        )
        reader, writer = os.pipe()

        def pack() -> None:
            with open(writer, "wb") as out:
                try:
                    archives.pack(work, names, out)
                except Exception as error:  # noqa: BLE001 - before the archive's reader hears of its end
                    part.fail(error)

        workers = Workers(part, part.fail)
        workers.start("credits-cache", lambda: account.keep([output]))
        output.follow_file(io.FileIO(reader))
        workers.start("pack-cache", pack)
        try:
            workers.join()
            output.finish()
        except Stopped:
            part.raise_error()
            raise
        self._log.say(f"cache: saved {wanted.key}")

    def _warn(self, what: str, error: Exception) -> None:
        self._ending.check()
        if isinstance(error, LeaseLost):
            raise error
        self._log.say(f"cache: {what}: {error}", "warning")


class _Part(Ending):
    """Ends with the whole assignment, or by an error of its own, which then ends nothing else."""

    def __init__(self, whole: Ending) -> None:
        super().__init__()
        self._whole = whole
        self._error: Exception | None = None

    def fail(self, error: Exception) -> None:
        if not isinstance(error, Stopped) and self._error is None:
            self._error = error
            self.decide(INFRASTRUCTURE, str(error))

    def raise_error(self) -> None:
        """Raise the error that ended this part, unless the whole assignment has ended."""
        self._whole.check()
        if self._error:
            raise (
                self._error
                if isinstance(self._error, (AgentError, GatewayError, OSError))
                else AgentError(f"{type(self._error).__name__}: {self._error}")
            )

    def check(self) -> None:
        self._whole.check()
        super().check()

    def sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while True:
            self.check()
            left = until - time.monotonic()
            if left <= 0:
                return
            self.wait(min(0.2, left))


def _key(cache: Cache, work: Path) -> str:
    """The key with the hash of its files' names and content. Raises TreatmentFailed for a file that is not there."""
    if not cache.files:
        return cache.key
    names: set[str] = set()
    for pattern in cache.files:
        found = [name for name in workspace_paths.matches(work, str(Path(pattern))) if _is_own_file(work, name)]
        if not found:
            raise workspace_paths.nothing(work, pattern, f"cache {cache.key}", "is no file")
        names.update(found)
    digest = hashlib.sha256()
    for name in sorted(names):
        digest.update(f"{name}\0{_file_digest(work / name)}\0".encode("utf-8", "surrogateescape"))
    return f"{cache.key}-{digest.hexdigest()}"


def _is_own_file(work: Path, name: str) -> bool:
    return (work / name).is_file() and archives.inside(work, work / name)


def _file_digest(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
    except OSError as error:
        raise TreatmentFailed(f"{path.name}, a file of a cache's key, cannot be read: {error.strerror}") from error
    return digest.hexdigest()
