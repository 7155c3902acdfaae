"""Ports with a path: inputs restored in the working directory before the command, outputs captured after it."""

from __future__ import annotations

import io
import os
from typing import Callable, Union

from ..assignments.assignment import AssignedPort
from ..beneath.held_directory import LeadsOutside
from ..execution.workspace import Workspace
from ..shared.errors import AgentError, TreatmentFailed
from ..shared.threads import WorkerThreads
from . import archives, workspace_paths
from .inputs import ByteSink, InputDownload
from .literal_input import LiteralInput
from .outputs import OutputUpload

InputSource = Union[InputDownload, LiteralInput]


def file_sink(file: io.FileIO) -> ByteSink:
    """Returns a sink that writes to a file."""

    def write(content: memoryview) -> bool:
        while len(content):
            content = content[file.write(content) or 0 :]
        return True

    return write


def restore(
    port: AssignedPort,
    source: InputSource,
    workspace: Workspace,
    workers: WorkerThreads,
    failed: Callable[[Exception], None],
) -> None:
    """Restores a whole input at its path. Raises TreatmentFailed for an invalid path or archive."""
    assert port.path
    what = f"input {port.name}"
    work, path = workspace.held_work, workspace_paths.relative(port.path, what)
    try:
        work.make_directories(path if port.path.endswith("/") else os.path.dirname(path))
    except LeadsOutside:
        raise TreatmentFailed(f"{what}: {port.path} is outside of the working directory") from None
    if not port.path.endswith("/"):
        with work.create_file(path) as file:
            source.read(file_sink(file))
        return
    with archives.pipe() as (incoming, outgoing), work.open_directory(path) as target:

        def bring() -> None:
            with outgoing:
                try:
                    source.read(_pipe_sink(outgoing.fileno()))
                except Exception as error:  # noqa: BLE001 - reported before the archive's reader sees the end
                    failed(error)

        workers.start(f"restore-{port.name}", bring)
        archives.unpack(incoming, target, what)
        # Reads what follows the archive's end, so that the digest of the whole input is checked.
        while incoming.read(archives.BUFFER):
            pass
    workers.join()


def capture(
    port: AssignedPort,
    matched: workspace_paths.MatchedPath,
    output: OutputUpload,
    workers: WorkerThreads,
    failed: Callable[[Exception], None],
) -> None:
    """Begins to upload the files of a path; ``workers`` and the output wait for the end."""
    if matched.file:
        output.follow_file(matched.file)
        return
    root = matched.root
    assert root
    reader, writer = os.pipe()

    def pack() -> None:
        with open(writer, "wb") as out, root:
            try:
                archives.pack(root, matched.names, out)
            except OSError as error:
                failed(AgentError(f"output {port.name} cannot be packed: {error.filename or ''} {error.strerror}"))
            except Exception as error:  # noqa: BLE001 - reported before the archive's reader sees the end
                failed(error)

    workers.start(f"pack-{port.name}", pack)
    output.follow_file(io.FileIO(reader))


def _pipe_sink(pipe: int) -> ByteSink:
    """Returns a sink that writes to a pipe; it returns false once the pipe's reader has closed it."""

    def write(content: memoryview) -> bool:
        try:
            while len(content):
                content = content[os.write(pipe, content) :]
        except BrokenPipeError:
            return False
        return True

    return write
