"""Keeps the outputs of a failed attempt: uploaded apart from its values, so that no consumer is fed with them."""

from __future__ import annotations

import stat
import time
from collections.abc import Iterator, Sequence
from typing import Any, Callable

from ..assignments.assignment import AssignedPort
from ..beneath.held_directory import HeldDirectory
from ..execution.workspace import Workspace
from ..logs.buffer import LogBuffer
from ..shared.errors import FAILED, TIMED_OUT, AgentError, Stopped
from ..shared.termination import Termination
from ..shared.threads import WorkerThreads
from . import path_ports, workspace_paths
from .chunks import ChunkStore
from .outputs import OutputUpload
from .upload_credits import Requests, UploadCredits

#: Seconds for all outputs of an attempt; the control plane expects the outcome within 60 s after the treatment's time.
KEEPING_SECONDS = 45.0
_LOOK_EVERY = 0.2

#: output, body and termination → the gateway's answer
Call = Callable[[str, "dict[str, Any]", Termination], "dict[str, Any]"]


class TimeLimit(Termination):
    """Terminates at ``until`` (monotonic), and once the gateway no longer accepts the outcome of ``attempt``."""

    def __init__(self, attempt: Termination, until: float) -> None:
        super().__init__()
        self._attempt, self._until = attempt, until

    @property
    def decided(self) -> bool:
        return self._event.is_set() or not self._attempt.report or time.monotonic() >= self._until

    def wait(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while not self.decided and (left := until - time.monotonic()) > 0:
            self._event.wait(min(left, _LOOK_EVERY))
        return self.decided

    def sleep(self, seconds: float) -> None:
        if self.wait(seconds):
            raise Stopped

    def check(self) -> None:
        if self.decided:
            raise Stopped


class KeptOutputs:
    """Uploads the outputs with a path and the blocks that a command wrote before its attempt failed."""

    def __init__(self, workspace: Workspace, call: Call, log: LogBuffer, attempt: Termination) -> None:
        self._workspace, self._call, self._log, self._attempt = workspace, call, log, attempt

    def keep(self, ports: Sequence[AssignedPort]) -> None:
        """Uploads what there is of ``ports`` within KEEPING_SECONDS, if the command failed or took too long.

        An output that cannot be kept is reported in the log: the attempt has its own reason to fail.
        """
        if self._attempt.outcome not in (FAILED, TIMED_OUT):
            return
        until = time.monotonic() + KEEPING_SECONDS
        kept = []
        for port, matched in self._written(ports):
            limit = TimeLimit(self._attempt, until)
            try:
                self._upload(port, matched, limit)
                kept.append(port.name)
            except (Stopped, AgentError, OSError) as error:
                reason = limit.error or (f"{error}" or f"the outputs took longer than {KEEPING_SECONDS:g} s")
                self._log.say(f"output {port.name} of this failed attempt was not kept: {reason}", "warning")
        if kept:
            self._log.say(f"kept the outputs of this failed attempt: {', '.join(kept)}")

    def _written(self, ports: Sequence[AssignedPort]) -> Iterator[tuple[AssignedPort, workspace_paths.MatchedPath]]:
        for port in ports:
            if port.path:
                try:
                    matched = workspace_paths.find(self._workspace.held_work, port.path, f"output {port.name}")
                except (AgentError, OSError):
                    continue  # the command did not come as far as writing it
                yield port, matched
            elif not port.is_stream and _is_written(self._workspace.held_outputs, port.name):
                yield port, workspace_paths.MatchedPath(file=self._workspace.held_outputs.open_file(port.name))

    def _upload(self, port: AssignedPort, matched: workspace_paths.MatchedPath, limit: TimeLimit) -> None:
        def failed(error: Exception) -> None:
            limit.decide("not kept", str(error))

        def commit(requests: Requests) -> Requests:
            return {name: self._call(name, {**body, "kept": True}, limit) for name, body in requests.items()}

        workers = WorkerThreads(limit, failed)
        upload_credits = UploadCredits(commit, limit)
        output = OutputUpload(
            name=port.name,
            upload_credits=upload_credits,
            store=ChunkStore(limit),
            termination=limit,
            masker=self._log.masker,
            failed=failed,
        )
        workers.start("kept-credits", lambda: upload_credits.serve([output]))
        path_ports.capture(port, matched, output, workers, failed)
        workers.join()
        output.finish()


def _is_written(outputs: HeldDirectory, name: str) -> bool:
    try:
        status = outputs.status(name)
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size > 0
