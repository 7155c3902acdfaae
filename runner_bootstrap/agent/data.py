"""All inputs and outputs of one treatment: files for blocks, FIFOs for streams."""

from __future__ import annotations

import io
import threading
from typing import Any, Callable

from . import fifos
from .assignment import Assignment, Port
from .chunks import Store
from .ending import Ending
from .errors import AgentError, TreatmentFailed
from .inputs import Input
from .masking import Masker
from .outputs import Output
from .workspace import Workspace

#: path and body → the gateway's answer
Call = Callable[[str, dict[str, Any]], dict[str, Any]]
Failed = Callable[[Exception], None]


class Data:
    """Made before the command, finished after it. ``failed`` hears of the first error on any thread."""

    def __init__(
        self, assignment: Assignment, workspace: Workspace, call: Call, ending: Ending, masker: Masker, failed: Failed
    ) -> None:
        self._workspace, self._call, self._ending, self._masker, self._failed = workspace, call, ending, masker, failed
        self._ports_in, self._ports_out = assignment.inputs, assignment.outputs
        self._store = Store(ending)
        self._command_end = fifos.CommandEnd()
        self._inputs = {
            port.name: Input(port.name, self._caller("inputs", port), self._store, ending) for port in self._ports_in
        }
        self._outputs: list[Output] = []

    @property
    def variables(self) -> dict[str, str]:
        """CADENCE_IN_x and CADENCE_OUT_x."""
        places = {f"CADENCE_IN_{port.variable}": str(self._workspace.inputs / port.name) for port in self._ports_in}
        places.update(
            {f"CADENCE_OUT_{port.variable}": str(self._workspace.outputs / port.name) for port in self._ports_out}
        )
        return places

    def hear(self, news: dict[str, dict[str, Any]]) -> None:
        """What a heartbeat's answer says of the inputs' producers."""
        for name, told in news.items():
            if name in self._inputs:
                self._inputs[name].hear(int(told.get("epoch") or 0), str(told.get("state")))

    def read_blocks(self) -> None:
        """Bring every block input into its file."""
        for port in self._ports_in:
            if not port.is_stream:
                path = self._workspace.inputs / port.name
                try:
                    with path.open("wb", buffering=0) as file:
                        self._inputs[port.name].read(_file_sink(file))
                except OSError as error:
                    raise AgentError(
                        f"input {port.name} cannot be written to the workspace: {error.strerror}"
                    ) from error

    def open_streams(self) -> None:
        """Make the FIFOs and start to serve them."""
        for port in self._ports_in:
            if port.is_stream:
                fifos.make(self._workspace.inputs / port.name)
                threading.Thread(target=self._serve, args=(port,), name=f"input-{port.name}", daemon=True).start()
        for port in self._ports_out:
            if port.is_stream:
                path = self._workspace.outputs / port.name
                fifos.make(path)
                output = self._output(port)
                output.follow_stream(fifos.open_for_reading(path), self._command_end.descriptor)

    def command_ended(self) -> None:
        """Inputs are not wanted any more; outputs end once their FIFO is empty."""
        self._command_end.set()
        for given in self._inputs.values():
            given.give_up()

    def require_blocks(self) -> None:
        """Raise TreatmentFailed for a block output that the command did not write."""
        for port in self._ports_out:
            if not port.is_stream:
                path = self._workspace.outputs / port.name
                if port.type == "void" and not path.exists():
                    path.touch()
                if not path.is_file():
                    problem = "is not a plain file" if path.exists() else "was not written"
                    raise TreatmentFailed(
                        f"output {port.name} is missing: the command ended well, but the file "
                        f"$CADENCE_OUT_{port.variable} names {problem}"
                    )

    def finish(self) -> None:
        """Upload what is left."""
        for port in self._ports_out:
            if not port.is_stream:
                with io.FileIO(self._workspace.outputs / port.name) as file:
                    self._output(port).read_file(file)
        for output in self._outputs:
            output.finish()

    def _output(self, port: Port) -> Output:
        output = Output(port.name, self._caller("outputs", port), self._store, self._ending, self._masker, self._failed)
        self._outputs.append(output)
        output.start()
        return output

    def _serve(self, port: Port) -> None:
        sink = fifos.FifoSink(self._workspace.inputs / port.name, self._ending, self._command_end)
        given = self._inputs[port.name]
        try:
            # Not before: whoever asks for chunks holds the producer back, and this command may read another output of
            # the same producer to its end first, or never want this one.
            if given.wait_until(sink.open):
                given.read(sink)
            sink.close()
        except Exception as error:  # noqa: BLE001 - whatever it is, the assignment must hear of it
            self._failed(error)

    def _caller(self, direction: str, port: Port) -> Callable[[dict[str, Any]], dict[str, Any]]:
        return lambda body: self._call(f"{direction}/{port.name}", body)


def _file_sink(file: io.FileIO) -> Callable[[memoryview], bool]:
    def write(content: memoryview) -> bool:
        while len(content):
            content = content[file.write(content) or 0 :]
        return True

    return write
