"""Values lead to the engine that sent them, in whatever order the engines' reports arrive."""

import dataclasses
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest

from cadence.application.melodium.link_engines import LinkEngines
from cadence.domain.melodium.events import Built, SentValues, TrackedTreatment
from cadence.domain.melodium.model import ProgramModel
from cadence.domain.melodium.process import MelodiumRun
from cadence.domain.melodium.program import read_program
from cadence.domain.runs.run import Run, Value
from tests.fakes.runs import NOW, a_run

ROOT, MIDDLE, INNER = (f"{digit * 8}-0000-4000-8000-000000000000" for digit in "123")


def identifier(name: str) -> dict[str, Any]:
    path, _, name = name.rpartition("::")
    return {"version": "0.11.0", "path": path.split("/"), "name": name}


def element(name: str, inputs: str = "", outputs: str = "", **design: Any) -> dict[str, Any]:
    def ports(names: str) -> dict[str, Any]:
        return {
            one: {"name": one, "described_type": "string", "flow": "block", "attributes": {}} for one in names.split()
        }

    return {
        "treatment": {
            "identifier": identifier(name),
            "documentation": "",
            "generics": {},
            "parameters": {},
            "implementation_kind": {"designed": design} if design else "compiled",
            "inputs": ports(inputs),
            "outputs": ports(outputs),
            "models": {},
            "contexts": {},
            "attributes": {},
        }
    }


def connection(source: str, output: str, target: str, input_: str) -> dict[str, Any]:
    ends: list[dict[str, Any]] = [{"treatment": end} if end else {"sequence": []} for end in (source, target)]
    return {
        "output_treatment": ends[0],
        "output_name": output,
        "input_treatment": ends[1],
        "input_name": input_,
        "attributes": {},
    }


COMPILED = {
    "say": ("demo::emitWord", "", "emit"),
    "ask": ("work/distant::distant", "trigger", "access"),
    "begin": ("distrib::start", "access", "ready"),
    "give": ("distrib::sendBlock", "data", ""),
    "take": ("distrib::recvBlock", "", "data"),
}


def program(entrypoint: str, calls: Sequence[str], *, through: bool, hands_on: bool = False) -> Any:
    """A program that asks for a worker for each of `calls`; with `through` it is a worker that has a word itself.

    With `hands_on` it gives its workers that word.
    """
    treatments, connections, models = {}, [], {}
    for call in calls:
        models[f"worker_{call}"] = {"identifier": identifier("distrib::DistributionEngine"), "parameters": {}}
        for part, (name, _, _) in COMPILED.items():
            treatments[f"{part}_{call}"] = {
                "identifier": identifier(name),
                "generics": {},
                "models": {"distributor": f"worker_{call}"} if name.startswith("distrib::") else {},
                "parameters": {},
                "attributes": {},
            }
        connections.append(connection(f"ask_{call}", "access", f"begin_{call}", "access"))
        source = ("", "word") if hands_on else (f"say_{call}", "emit")
        connections.append(connection(*source, f"give_{call}", "data"))
    if through:
        treatments["pass"] = {"identifier": identifier("std/flow::passBlock"), "generics": {}, "models": {}}
        connections.append(connection("", "word", "pass", "block"))
        connections.append(connection("pass", "passed", "", "word"))
    main = element(
        entrypoint,
        "word" if through else "",
        "word" if through else "",
        model_instanciations=models,
        treatments=treatments,
        connections=connections,
    )
    library = [element(name, inputs, outputs) for name, inputs, outputs in COMPILED.values()]
    library.append(element("std/flow::passBlock", "block", "passed"))
    elements = {"elements": [*library, main]}
    return read_program({"collection": elements, "entrypoint": identifier(entrypoint), "parameters": {}})


class Parts:
    def __init__(self) -> None:
        self.saved: dict[tuple[str, str], bytes] = {}

    def load(self, run_id: str, name: str) -> bytes | None:
        return self.saved.get((run_id, name))

    def save(self, run_id: str, name: str, content: bytes) -> None:
        self.saved[run_id, name] = content


class Records:
    """Runs and values, as far as links need them."""

    def __init__(self) -> None:
        self.runs: dict[str, Run] = {}
        self.values: dict[tuple[str, str, str], Value] = {}

    def get_runs(self, run_ids: Iterable[str]) -> Mapping[str, Run]:
        return {run_id: self.runs[run_id] for run_id in run_ids if run_id in self.runs}

    def get_values(self, run_id: str, ports: Sequence[tuple[str, str]]) -> list[Value]:
        return [self.values[run_id, *port] for port in ports if (run_id, *port) in self.values]

    def put_values(self, values: Iterable[Value]) -> None:
        for value in values:
            self.values[value.run_id, value.treatment, value.port] = value


@dataclasses.dataclass
class Engines:
    """Processes that report; `told` are the workers that each was told the addresses of, in order."""

    records: Records = dataclasses.field(default_factory=Records)
    parts: Parts = dataclasses.field(default_factory=Parts)
    models: dict[str, ProgramModel] = dataclasses.field(default_factory=dict)
    told: dict[str, list[str]] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        stores: Any = self.records
        parts: Any = self.parts
        self.link = LinkEngines(
            runs=stores,
            values=stores,
            parts=parts,
            model_of=self.models.get,
            answered=lambda run_id: self.told.get(run_id, []),
        )

    def run(self, run_id: str, parent: str | None) -> None:
        engine = MelodiumRun(
            group_id="group",
            position=run_id,
            version="0.11.0",
            mode="distribution_secret_key" if parent else "direct",
            parent_id=parent,
            known_as=f"digest of a key of {run_id}" if parent else None,
        )
        self.records.runs[run_id] = dataclasses.replace(a_run(run_id), melodium=engine)

    def reports(
        self,
        run_id: str,
        entrypoint: str,
        calls: Mapping[str, str],
        *,
        through: str | None = None,
        hands_on: bool = False,
        reporters: Sequence[str] = (),
    ) -> None:
        """A process reports: `calls` gives the second at which each worker's address was there, and its word."""
        model = ProgramModel(run_id=run_id)
        model.learn(program(entrypoint, list(calls), through=through is not None, hands_on=hands_on))

        def place(label: str, treatment: str, build: int) -> TrackedTreatment:
            return TrackedTreatment(
                track=0, treatment=treatment, build=build, host=entrypoint, host_build=0, label=label
            )

        values = []
        for number, (call, said) in enumerate(calls.items()):
            second, _, word = said.partition(" ")
            at = f"2026-11-27T10:00:{second}Z"
            for part, (name, _, _) in COMPILED.items():
                parameters = {"name": {"type": "string", "value": "word"}} if part in ("give", "take") else {}
                model.apply(Built(at, place(f"{part}_{call}", name, number), parameters))
            values += [("say", "emit", word), ("take", "data", word), ("ask", "access", "")]
            for part, port, content in values[-3:]:
                spot = place(f"{part}_{call}", COMPILED[part][0], number)
                line = json.dumps(content).encode() + b"\n"
                model.apply(SentValues(at=at, place=spot, port=port, type="string", count=1, content=line))
                self.sent(run_id, f"main/{part}_{call}", port, content)
        if through is not None:
            spot = place("pass", "std/flow::passBlock", 0)
            model.apply(Built("2026-11-27T10:00:01Z", spot, {}))
            sent = SentValues(
                at="2026-11-27T10:00:02Z", place=spot, port="passed", type="string", count=1, content=b"x\n"
            )
            model.apply(sent)
            self.sent(run_id, "main/pass", "passed", through)
        self.models[run_id] = model
        # Those that ask are told of by whoever hands their reports on: also by the engine that asked for them.
        for reporter in reporters:
            self.link.note_workers(reporter, [run_id])
        self.link.link(self.records.runs[run_id], model, [run_id, *reporters])

    def sent(self, run_id: str, treatment: str, port: str, content: str) -> None:
        value = Value(
            run_id=run_id,
            treatment=treatment,
            port=port,
            flow="block",
            type="string",
            sha256=f"sha of {content}",
            size=1,
            chunks=1,
            attempt=1,
            preview=b"",
            created_at=NOW,
        )
        known = self.records.values.get((run_id, treatment, port))
        self.records.put_values([dataclasses.replace(value, origin=known.origin) if known else value])

    def origin(self, run_id: str, treatment: str, port: str) -> tuple[str, str] | None:
        value = self.records.values.get((run_id, treatment, port))
        return (value.origin.run_id, value.origin.treatment) if value and value.origin else None


@pytest.mark.parametrize("order", list(itertools.permutations(("root", "middle", "inner"))), ids="-".join)
def test_three_engines_in_a_row_are_linked_whoever_reports_first(order: tuple[str, ...]) -> None:
    """The first engine also reports the worker of its worker, which it did not ask for itself."""
    engines = Engines()
    engines.run(ROOT, None)
    engines.run(MIDDLE, ROOT)
    engines.run(INNER, MIDDLE)
    engines.told = {ROOT: [MIDDLE], MIDDLE: [INNER]}
    report = {
        "root": lambda: engines.reports(ROOT, "demo::main", {"only": "01 word"}),
        "middle": lambda: engines.reports(
            MIDDLE, "demo::middle", {"only": "02 word"}, through="word", reporters=[ROOT]
        ),
        "inner": lambda: engines.reports(INNER, "demo::inner", {}, through="word", reporters=[ROOT, MIDDLE]),
    }
    for name in order:
        report[name]()
    assert engines.origin(MIDDLE, "main/Self", "word") == (ROOT, "main/say_only")
    assert engines.origin(INNER, "main/Self", "word") == (MIDDLE, "main/say_only")
    assert engines.origin(ROOT, "main/take_only", "data") == (MIDDLE, "main/pass")
    assert engines.origin(MIDDLE, "main/take_only", "data") == (INNER, "main/pass")


@pytest.mark.parametrize("order", list(itertools.permutations(("root", "middle", "inner"))), ids="-".join)
def test_a_word_that_an_engine_hands_on_to_its_own_worker_is_linked_whoever_reports_first(
    order: tuple[str, ...],
) -> None:
    engines = Engines()
    engines.run(ROOT, None)
    engines.run(MIDDLE, ROOT)
    engines.run(INNER, MIDDLE)
    engines.told = {ROOT: [MIDDLE], MIDDLE: [INNER]}
    report = {
        "root": lambda: engines.reports(ROOT, "demo::main", {"only": "01 word"}),
        "middle": lambda: engines.reports(
            MIDDLE, "demo::middle", {"only": "02 word"}, through="word", hands_on=True, reporters=[ROOT]
        ),
        "inner": lambda: engines.reports(INNER, "demo::inner", {}, through="word", reporters=[ROOT, MIDDLE]),
    }
    for name in order:
        report[name]()
    assert engines.origin(MIDDLE, "main/Self", "word") == (ROOT, "main/say_only")
    assert engines.origin(INNER, "main/Self", "word") == (ROOT, "main/say_only")


@pytest.mark.parametrize("order", list(itertools.permutations("012")), ids="".join)
def test_workers_that_answer_alike_are_told_apart_by_the_order_of_their_addresses(order: tuple[str, ...]) -> None:
    engines, workers = Engines(), [f"{digit * 8}-0000-4000-8000-000000000000" for digit in "456"]
    engines.run(ROOT, None)
    for worker in workers:
        engines.run(worker, ROOT)
    engines.told = {ROOT: [workers[2], workers[0], workers[1]]}
    calls = {"a": "03 same", "b": "01 same", "c": "02 same"}
    for number in order[:1]:
        engines.reports(workers[int(number)], "demo::echo", {}, through="same", reporters=[ROOT])
    engines.reports(ROOT, "demo::main", calls)
    for number in order[1:]:
        engines.reports(workers[int(number)], "demo::echo", {}, through="same", reporters=[ROOT])
    senders = [engines.origin(worker, "main/Self", "word") for worker in workers]
    assert senders == [(ROOT, "main/say_c"), (ROOT, "main/say_a"), (ROOT, "main/say_b")]
    assert engines.origin(ROOT, "main/take_b", "data") == (workers[2], "main/pass")


def test_what_came_back_overrules_the_order_of_addresses() -> None:
    """As if the second answer had overtaken the first on its way."""
    engines, workers = Engines(), [f"{digit * 8}-0000-4000-8000-000000000000" for digit in "45"]
    engines.run(ROOT, None)
    for worker in workers:
        engines.run(worker, ROOT)
    engines.told = {ROOT: workers}
    engines.reports(ROOT, "demo::main", {"a": "02 one", "b": "01 two"})
    for worker, word in zip(workers, ("one", "two"), strict=True):
        engines.reports(worker, "demo::echo", {}, through=word, reporters=[ROOT])
    assert engines.origin(ROOT, "main/take_a", "data") == (workers[0], "main/pass")
    assert engines.origin(ROOT, "main/take_b", "data") == (workers[1], "main/pass")
