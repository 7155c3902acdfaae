"""All inputs and outputs of one treatment: files for blocks, FIFOs for streams, paths of the working directory."""

from __future__ import annotations

import contextlib
import io
import os
import queue
import stat
from collections.abc import Sequence
from functools import partial
from typing import Any, Callable

from ..assignments.assignment import AssignedPort, Assignment
from ..execution.standard_streams import StandardStreams
from ..execution.workspace import Workspace
from ..logs.buffer import LogBuffer
from ..logs.masking import Masker
from ..shared.errors import AgentError, TreatmentFailed
from ..shared.termination import Termination
from ..shared.threads import WorkerThreads
from . import fifos, kept_outputs, path_ports, workspace_paths
from .chunks import ChunkStore
from .inputs import InputDownload
from .job_summary import SUMMARY_FILE
from .literal_input import LiteralInput
from .outputs import OutputUpload
from .path_ports import InputSource, file_sink
from .type_checks import Checker, checker
from .upload_credits import Requests, UploadCredits

#: path and body → the gateway's answer
Call = Callable[[str, dict[str, Any]], dict[str, Any]]
Failed = Callable[[Exception], None]
#: Block inputs that are downloaded at the same time.
READERS = 4


class TreatmentPorts:
    """Created before the command and finished after it. ``failed`` is called with the first error of any thread."""

    def __init__(
        self,
        assignment: Assignment,
        workspace: Workspace,
        call: Call,
        termination: Termination,
        masker: Masker,
        failed: Failed,
        store: ChunkStore,
    ) -> None:
        self._workspace, self._call, self._failed = workspace, call, failed
        self._termination, self._masker = termination, masker
        self._ports_in = [port for port in assignment.inputs if port.fed or port.literal is not None]
        self._ports_out = assignment.outputs
        self._stdin, self._stdout = assignment.stdin, assignment.stdout
        self._store = store
        self._workers = WorkerThreads(termination, failed)
        #: Threads that serve inputs end with the command, even if it has not read everything.
        self._servers = WorkerThreads(termination, failed)
        self._command_end = fifos.CommandEnd()
        self._fifo_watcher = fifos.FifoWatcher(self._command_end, termination)
        self._inputs = {port.name: self._source(port) for port in self._ports_in}
        self._outputs: list[OutputUpload] = []
        self._checkers = {port.name: self._checker(port) for port in self._ports_out}
        self._matched_paths: dict[str, workspace_paths.MatchedPath] = {}
        self._read_end = self._write_end = -1

    @property
    def variables(self) -> dict[str, str]:
        """``CADENCE_IN_x``, ``CADENCE_OUT_x`` and ``CADENCE_SUMMARY``.

        There is none for inputs that never get data or can be read only once.
        """
        work, inputs, outputs = self._workspace.work, self._workspace.inputs, self._workspace.outputs
        variables = {"CADENCE_SUMMARY": str(outputs / SUMMARY_FILE)}
        for port in self._ports_in:
            if port.name != self._stdin or not self._by_fifo(port):
                variables[f"CADENCE_IN_{port.variable}"] = str(work / port.path if port.path else inputs / port.name)
        for port in self._ports_out:
            if not port.path:
                variables[f"CADENCE_OUT_{port.variable}"] = str(outputs / port.name)
        return variables

    def update_producers(self, news: dict[str, dict[str, Any]]) -> None:
        """Passes on the states of the inputs' producers, by input, that a heartbeat's answer reported."""
        for name, state in news.items():
            if name in self._inputs:
                self._inputs[name].update_producer(int(state.get("epoch") or 0), str(state.get("state")))

    def read_blocks(self) -> None:
        """Downloads every block input to its file, and every input with a path to that path.

        Raises AgentError, TreatmentFailed, Stopped.
        """
        waiting: queue.SimpleQueue[AssignedPort] = queue.SimpleQueue()
        for port in self._ports_in:
            if not port.is_stream and not port.path:
                waiting.put(port)

        def read() -> None:
            with contextlib.suppress(queue.Empty):
                while True:
                    self._read(waiting.get_nowait())

        for number in range(min(READERS, waiting.qsize())):
            self._workers.start(f"read-blocks-{number}", read)
        self._workers.join()
        # One after the other, since their paths may overlap.
        for port in self._ports_in:
            if port.path:
                self._read(port)

    def open_streams(self) -> None:
        """Creates the FIFOs and starts to serve them."""
        ports = {}
        for port in self._ports_in:
            if self._by_fifo(port):
                fifo = fifos.HeldFifo(self._workspace.held_inputs, port.name)
                sink = fifos.FifoSink(fifo, self._termination)
                ports[sink] = port
                if port.name == self._stdin:
                    # A reader that opens before its writer would see an end of file.
                    self._read_end = fifo.open_before_writer()
                    sink.open()
        if ports:
            # No input is downloaded before the command opens it: a consumer that asks for chunks holds its producer
            # back, and this command may read another output of the same producer first, or never read this one.
            serve = {sink: partial(self._serve, port, sink) for sink, port in ports.items()}
            check = lambda sink: self._inputs[ports[sink].name].check()  # noqa: E731
            self._servers.start("open-inputs", lambda: self._fifo_watcher.watch(serve, check))
        outputs = self._outputs_of([port for port in self._ports_out if self._by_fifo(port)])
        for port, output in outputs.items():
            fifo = fifos.HeldFifo(self._workspace.held_outputs, port.name)
            output.follow_stream(fifo.open_for_reading(), self._command_end.descriptor)
            if port.name == self._stdout:
                self._write_end = fifo.open_after_reader()

    def stdio(self) -> StandardStreams:
        """Opens the ports that are the command's standard input and output. Call it once, after ``open_streams``."""
        ports = {port.name: port for port in (*self._ports_in, *self._ports_out)}
        stdin, stdout = None, None
        if self._stdin in ports:
            port = ports[self._stdin]
            stdin = self._read_end if self._by_fifo(port) else self._open_input(port)
        if self._stdout in ports:
            stdout = self._write_end
            if stdout < 0:
                with self._workspace.held_outputs.create_file(ports[self._stdout].name, os.O_APPEND) as file:
                    stdout = os.dup(file.fileno())
        return StandardStreams(stdin, stdout)

    def _open_input(self, port: AssignedPort) -> int:
        held = self._workspace.held_work if port.path else self._workspace.held_inputs
        if port.path and port.path.endswith("/"):
            raise TreatmentFailed(f"input {port.name} is a directory, which cannot be the standard input")
        with held.open_file(port.path or port.name) as file:
            return os.dup(file.fileno())

    def command_ended(self) -> None:
        """Stops reading inputs; outputs end once their FIFO is empty."""
        self._command_end.set()
        for input_ in self._inputs.values():
            input_.abandon()

    def require_outputs(self) -> None:
        """Raises TreatmentFailed for an output that the command did not write, or that is not of its type."""
        for port in self._ports_out:
            check = self._checkers[port.name]
            if port.path:
                self._matched_paths[port.name] = matched = self._matched_path(port, port.path)
            elif not port.is_stream:
                self._matched_paths[port.name] = matched = self._required_block(port)
            else:
                continue
            if check and matched.file:
                check.check_lines(matched.file) if port.path and port.is_stream else check.check_block(matched.file)
                # The same open file is uploaded, whatever has its name by then.
                matched.file.seek(0)

    def keep_written(self, call: kept_outputs.Call, log: LogBuffer) -> None:
        """Keeps what the command wrote before its attempt failed, apart from the values that feed consumers."""
        kept_outputs.KeptOutputs(self._workspace, call, log, self._termination).keep(self._ports_out)

    def finish(self, log: LogBuffer) -> None:
        """Uploads the remaining outputs, and warns in the log of streams that nothing was written to.

        No output waits for the consumers of another one. Raises Stopped.
        """
        for port, output in self._outputs_of([port for port in self._ports_out if not self._by_fifo(port)]).items():
            matched = self._matched_paths[port.name]
            if port.path or not matched.file:
                path_ports.capture(port, matched, output, self._workers, self._failed)
            else:
                with matched.file:
                    output.read_file(matched.file)
        self._workers.join()
        for output in self._outputs:
            output.finish()
        streams = {port.name for port in self._ports_out if self._by_fifo(port) and port.type != "void"}
        empty = {output.name for output in self._outputs if not output.size}
        for port in self._ports_out:
            if port.optional and port.name in empty:
                log.say(f"output {port.name}: there is nothing at {port.path}, so it is empty", "warning")
        for output in self._outputs:
            if output.name in streams and not output.size:
                log.say(
                    f"output {output.name}: the command wrote nothing to it, so that its consumers receive an empty stream",
                    "warning",
                )

    def _read(self, port: AssignedPort) -> None:
        try:
            if port.path:
                path_ports.restore(port, self._inputs[port.name], self._workspace, self._workers, self._failed)
                return
            with self._workspace.held_inputs.create_file(port.name) as file:
                self._inputs[port.name].read(file_sink(file))
        except OSError as error:
            raise AgentError(f"input {port.name} cannot be written to the workspace: {error.strerror}") from error

    def _matched_path(self, port: AssignedPort, path: str) -> workspace_paths.MatchedPath:
        try:
            return workspace_paths.find(self._workspace.held_work, path, f"output {port.name}")
        except TreatmentFailed:
            if not port.optional:
                raise
            return workspace_paths.MatchedPath(file=io.FileIO(os.devnull))

    def _required_block(self, port: AssignedPort) -> workspace_paths.MatchedPath:
        outputs = self._workspace.held_outputs
        exists = outputs.exists(port.name)
        if port.type == "void" and not exists:
            outputs.create_file(port.name).close()
        try:
            if not exists or stat.S_ISREG(outputs.status(port.name).st_mode):
                return workspace_paths.MatchedPath(file=outputs.open_file(port.name))
        except FileNotFoundError:
            exists = False
        raise TreatmentFailed(
            f"output {port.name} is missing: the command ended well, "
            f"but the file $CADENCE_OUT_{port.variable} names "
            f"{'is not a plain file' if exists else 'was not written'}"
        )

    def _source(self, port: AssignedPort) -> InputSource:
        if port.literal is not None:
            return LiteralInput(port.literal, self._termination)
        return InputDownload(port.name, self._caller("inputs", port), self._store, self._termination, port.first)

    def _checker(self, port: AssignedPort) -> Checker | None:
        return (
            None if port.path and workspace_paths.is_archive(port.path) else checker(port.name, port.type, self._masker)
        )

    def _outputs_of(self, ports: Sequence[AssignedPort]) -> dict[AssignedPort, OutputUpload]:
        """Returns uploads that share their requests to the gateway."""
        upload_credits = UploadCredits(self._commit, self._termination)
        outputs = {
            port: OutputUpload(
                name=port.name,
                upload_credits=upload_credits,
                store=self._store,
                termination=self._termination,
                masker=self._masker,
                failed=self._failed,
                checker=self._checkers[port.name] if self._by_fifo(port) else None,
            )
            for port in ports
        }
        self._outputs += outputs.values()
        if outputs:
            self._workers.start("credits", lambda: upload_credits.serve([*outputs.values()]))
        return outputs

    def _commit(self, requests: Requests) -> Requests:
        if len(requests) == 1:
            ((name, request),) = requests.items()
            return {name: self._call(f"outputs/{name}", request)}
        answers: Requests = self._call("outputs", {"outputs": requests})["outputs"]
        return answers

    def _serve(self, port: AssignedPort, sink: fifos.FifoSink) -> None:
        def serve() -> None:
            self._inputs[port.name].read(sink.write)
            self._fifo_watcher.add_finished(sink)

        self._servers.start(f"input-{port.name}", serve)

    @staticmethod
    def _by_fifo(port: AssignedPort) -> bool:
        return port.is_stream and not port.path

    def _caller(self, direction: str, port: AssignedPort) -> Callable[[dict[str, Any]], dict[str, Any]]:
        return lambda body: self._call(f"{direction}/{port.name}", body)
