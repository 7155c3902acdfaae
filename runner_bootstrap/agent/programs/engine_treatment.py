"""Lets an engine run one treatment: sends the values of inputs and receives those of outputs.

An input waits until the engine has consumed what was sent.
"""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterable
from typing import Any, Callable, NamedTuple, Optional

from .cbor import CborError
from .distribution import PROBE_SECONDS, DistributionError, EngineMessage, EngineSession, output_of, text_of
from .engine_values import ValueFault, Values
from .wrapper import SUBJECT, WrapperPort

INSTANCE = 1
#: Bytes of frames that may wait for the reader of one output; beyond that the connection is not read.
MOST_WAITING = 64 << 20

#: Accepts the values of an output, and None once it is closed.
ValueSink = Callable[[Optional[Values]], None]


class TreatmentBinding(NamedTuple):
    """The ports of a treatment, with the feeds of its inputs and the sinks of its outputs."""

    inputs: list[WrapperPort]
    outputs: list[WrapperPort]
    feeds: dict[str, Iterable[Values]]
    sinks: dict[str, ValueSink]


class EngineTreatment:
    """One instance of the treatment that a session has launched."""

    def __init__(
        self, session: EngineSession, binding: TreatmentBinding, on_event: Callable[[str], None] = lambda _: None
    ) -> None:
        """``on_event`` is called with every event of the engine, as JSON."""
        self._session, self._binding, self._on_event = session, binding, on_event
        self._gates = {port.gate: _InputGate() for port in binding.inputs}
        self._taken = {port.name: _OutputQueue() for port in binding.outputs}
        self._open = set(self._taken)
        self._track: Any = None
        self._finished = False
        self._ended = threading.Event()
        self._faults: list[Exception] = []

    def run(self) -> None:
        """Runs the treatment to its end.

        Raises DistributionError if the engine ends first, ValueFault for a value of another type.
        """
        threading.Thread(target=self._probe, name="probe", daemon=True).start()
        self._session.send({"Instanciate": {"id": INSTANCE}})
        deliverers = [
            self._start(f"output-{name}", self._deliver, waiting, self._binding.sinks[name])
            for name, waiting in self._taken.items()
        ]
        try:
            self._listen()
        finally:
            self._ended.set()
            for gate in self._gates.values():
                gate.close()
            for waiting in self._taken.values():
                waiting.put(None, 0)
        for deliverer in deliverers:
            deliverer.join()
        if self._faults:
            raise self._faults[0]

    def _listen(self) -> None:
        while not self._faults and not (self._finished and not self._open):
            message = self._session.receive()
            if message is None:
                if self._faults:
                    return
                raise DistributionError("it ended in the middle of the treatment")
            if message.kind == "Ended":
                # The engine may end before its event that the track has finished arrives.
                if self._open:
                    raise DistributionError("it ended in the middle of the treatment")
                return
            self._handle_message(message)
        if not self._faults:
            self._session.send("Ended")

    def _handle_message(self, message: EngineMessage) -> None:
        if message.kind == "Debug":
            self._handle_event(text_of(message))
        elif message.kind == "OutputData":
            self._handle_output(message)
        elif message.kind == "CloseOutput":
            self._open.discard(message.body["name"])
            self._taken[message.body["name"]].put(None, 0)
        elif message.kind == "CloseInput":
            self._gates[_gate_of(self._binding, message.body["name"])].close()
        elif message.kind == "InstanciateStatus":
            self._handle_instanciated(message.body)

    def _handle_instanciated(self, status: Any) -> None:
        if "Failure" in status:
            raise DistributionError(str(status["Failure"].get("message")))
        for port in self._binding.inputs:
            self._start(f"input-{port.name}", self._feed, port, self._gates[port.gate])

    def _handle_output(self, message: EngineMessage) -> None:
        try:
            output = output_of(message)
        except (CborError, KeyError, TypeError) as error:
            raise DistributionError(f"values that cannot be read: {error}") from error
        if output.port in self._taken:
            self._taken[output.port].put(output.values, len(message.frame))

    def _handle_event(self, text: str) -> None:
        """Parses events of the few kinds that matter: the others hold all values."""
        self._on_event(text)
        begin = text.find('"kind":{"') + 9
        kind = text[begin : text.find('"', begin)] if begin > 8 else ""
        if kind not in ("treatment_built", "data_received", "input_closed", "track_finished", "treatment_finished"):
            return
        event = json.loads(text)["kind"][kind]
        if kind == "treatment_built" and event.get("label") == SUBJECT and self._track is None:
            self._track = event["environment"]["track_id"]
        elif kind == "data_received" and event["input"]["label"] in self._gates:
            count = event["data"].get("count")
            self._gates[event["input"]["label"]].add_taken(int(count["count"]) if count else 0)
        elif kind == "treatment_finished" and event.get("label") in self._gates:
            self._gates[event["label"]].close()
        elif kind == "track_finished" and event["info"]["id"] == self._track:
            self._finished = True

    def _feed(self, port: WrapperPort, gate: "_InputGate") -> None:
        try:
            for values in self._binding.feeds.get(port.name, ()):
                self._session.send_values(INSTANCE, port.name, values)
                if not gate.wait(len(values)):
                    return
            self._session.send({"CloseInput": {"id": INSTANCE, "name": port.name}})
        except ValueFault as fault:
            self._fail(ValueFault(f"input {port.name}, {fault}"))
        except OSError as error:
            if not self._ended.is_set():
                self._fail(DistributionError(f"input {port.name} cannot be passed on: {error}"))

    def _deliver(self, waiting: "_OutputQueue", sink: ValueSink) -> None:
        while True:
            values = waiting.get()
            try:
                sink(values)
            except (ValueFault, OSError) as fault:
                self._fail(fault)
            if values is None or self._faults:
                waiting.give_up()
                return

    def _fail(self, fault: Exception) -> None:
        self._faults.append(fault)
        self._session.close()

    def _probe(self) -> None:
        while not self._ended.wait(PROBE_SECONDS):
            try:
                self._session.send("Probe")
            except OSError:
                return

    @staticmethod
    def _start(name: str, target: Callable[..., None], *arguments: Any) -> threading.Thread:
        thread = threading.Thread(target=target, args=arguments, name=name, daemon=True)
        thread.start()
        return thread


def _gate_of(binding: TreatmentBinding, name: str) -> str:
    return next(port.gate for port in binding.inputs if port.name == name)


class _InputGate:
    """Counts how many values of an input the engine has consumed."""

    def __init__(self) -> None:
        self._taken = self._sent = 0
        self._closed = False
        self._changed = threading.Condition()

    def add_taken(self, count: int) -> None:
        with self._changed:
            self._taken += count
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def wait(self, sent: int) -> bool:
        """Waits until ``sent`` more values are consumed; returns false if the input accepts no more."""
        with self._changed:
            self._sent += sent
            self._changed.wait_for(lambda: self._closed or self._taken >= self._sent)
            return not self._closed


class _OutputQueue:
    """Values that wait for the reader of an output, bounded by the bytes of their frames."""

    def __init__(self) -> None:
        self._waiting: "queue.SimpleQueue[tuple[Optional[Values], int]]" = queue.SimpleQueue()
        self._bytes = 0
        self._given_up = False
        self._changed = threading.Condition()

    def put(self, values: Optional[Values], size: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._bytes < MOST_WAITING or self._given_up)
            self._bytes += size
        self._waiting.put((values, size))

    def get(self) -> Optional[Values]:
        values, size = self._waiting.get()
        with self._changed:
            self._bytes -= size
            self._changed.notify_all()
        return values

    def give_up(self) -> None:
        with self._changed:
            self._given_up = True
            self._changed.notify_all()
