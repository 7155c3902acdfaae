"""What of a reported run it takes to run one of its treatments again, and what makes that impossible."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cadence.adapters.engine_reports.debug_chunk import ReadEvents
from cadence.adapters.engine_reports.program import redacted_program
from cadence.application.melodium.element_records import Records
from cadence.domain.melodium.capture import Capturing
from cadence.domain.melodium.model import ProgramModel
from cadence.domain.melodium.program import read_program
from cadence.domain.melodium.redaction import Masks
from cadence.domain.melodium.wiring import ProgramWiring
from cadence.domain.shared.errors import Conflict

UPLOADED = Path(__file__).parents[2] / "events" / "melodium"


def capturing(name: str, change: Any = lambda dump: None) -> Capturing:
    masks = Masks()
    dump = json.loads(redacted_program((UPLOADED / f"{name}-program.json").read_bytes(), masks))
    change(dump)
    model = ProgramModel(run_id="run", program=read_program(dump))
    model.entrypoint = model.program.entrypoint
    with (UPLOADED / f"{name}-debug.json").open("rb") as chunk:
        for run_id, event in ReadEvents(masks).read(chunk, "run"):
            if run_id == "run":
                model.apply(event)
    return Capturing(model, dump)


def captured(of: Capturing, name: str) -> Mapping[str, Any]:
    wiring = ProgramWiring(of.model)
    ((spec, _),) = Records(of.model, wiring).of([name])
    sources = {
        each.port: (each.source_treatment or "", each.source_port or "") for each in spec.inputs if each.source_port
    }
    told: Mapping[str, Any] = of.capture(name, sources).json()
    return told


@pytest.fixture(scope="module")
def counting() -> Capturing:
    return capturing("counting")


def test_a_generic_treatment_has_the_types_that_its_hosts_gave_it(counting: Capturing) -> None:
    told = captured(counting, "main/numbers/sink/count")
    assert (told["label"], told["treatment"]["name"], told["generics"]) == ("count", "count", {"T": "u128"})
    assert told["inputs"] == [{"name": "stream", "flow": "stream", "type": "u128"}]
    assert told["outputs"] == [{"name": "count", "flow": "stream", "type": "u128"}]


def test_an_output_that_nobody_reads_is_left_out(counting: Capturing) -> None:
    assert captured(counting, "main/words/flat")["outputs"] == []
    assert [port["name"] for port in captured(counting, "main/words/fill")["outputs"]] == ["filled"]


def test_parameters_keep_their_values_and_types(counting: Capturing) -> None:
    told = captured(counting, "main/numbers/emitNumber")
    assert told["parameters"] == {"value": {"value": 2**128 - 1, "type": "u128"}}


def test_a_trigger_from_a_source_is_given_again(counting: Capturing) -> None:
    told = captured(counting, "main/numbers/emitNumber")
    assert told["inputs"] == [{"name": "trigger", "flow": "block", "type": "void", "values": [{"void": None}]}]


def test_models_are_made_as_the_program_makes_them(counting: Capturing) -> None:
    told = captured(counting, "main/over/logBlock")
    assert told["models"] == [{"name": "engine", "identifier": counting.dump["collection"]["elements"][0]["model"]["identifier"], "parameters": {}}]  # fmt: skip
    kinds = [(kind, body["identifier"]["name"]) for each in told["elements"] for kind, body in each.items()]
    assert kinds == [("model", "Engine"), ("data", "Level"), ("treatment", "logBlock")]


def test_it_can_be_written_as_json_with_every_digit(counting: Capturing) -> None:
    told = captured(counting, "main/numbers/emitNumber")
    assert json.loads(json.dumps(told)) == told == msgspec.json.decode(msgspec.json.encode(told))


def test_what_cannot_be_run_again_says_why(counting: Capturing) -> None:
    for name, why in (
        (
            "main/numbers",
            r"main/numbers is made of others, which can be replayed each: main/numbers/emitNumber, main/numb",
        ),
        ("main/startup/ready", "main/startup/ready began its track"),
        ("main/Self", "stands for the sender of the program's inputs"),
        ("main/nothing", "is not kept"),
    ):
        with pytest.raises(Conflict, match=why):
            counting.capture(name, {})


def changed(treatment: str, **said: Any) -> Any:
    def change(dump: dict[str, Any]) -> None:
        for each in dump["collection"]["elements"]:
            if each.get("treatment", {}).get("identifier", {}).get("name") == treatment:
                each["treatment"].update(said)

    return change


def test_contexts_and_what_lives_in_its_engine_cannot_be_restored() -> None:
    context = {"HttpRequest": {"version": "0.10.2", "path": ["http", "server"], "name": "HttpRequest"}}
    with pytest.raises(Conflict, match="needs the context HttpRequest"):
        captured(capturing("counting", changed("emit", contexts=context)), "main/numbers/emitNumber")
    executor = {"data": {"identifier": {"version": "0.10.2", "path": ["process", "exec"], "name": "Executor"}}}
    port = {"stream": {"name": "stream", "described_type": {"option": executor}, "flow": "stream", "attributes": {}}}
    with pytest.raises(
        Conflict, match=r"the input stream .* a process/exec::Executor exists only inside of its engine"
    ):
        captured(capturing("counting", changed("count", inputs=port)), "main/numbers/sink/count")


def test_values_that_were_only_counted_are_not_known() -> None:
    of = capturing("counting")
    for output in of.model.outputs.values():
        output.counted = output.count
    with pytest.raises(Conflict, match=r"the input stream of main/numbers/sink/count was not reported: its engine"):
        captured(of, "main/numbers/sink/count")


def test_values_of_a_source_are_not_known() -> None:
    trigger = {"trigger": {"name": "trigger", "described_type": "string", "flow": "block", "attributes": {}}}
    with pytest.raises(Conflict, match=r"the input trigger of main/numbers/emitNumber came from a source"):
        captured(capturing("counting", changed("emit", inputs=trigger)), "main/numbers/emitNumber")


@pytest.mark.parametrize(
    ("parameter", "type_", "why"),
    [
        ({"redacted": True}, "string", "the parameter value of .* is not kept: its name marks it as a secret"),
        ({"type": "string", "value": "a *** b"}, "string", "stands where a secret was masked"),
        ({"type": "f64", "value": None}, "f64", "engines write NaN and infinity as nothing"),
        ({"type": "Vec<f32>", "value": [1.0, None]}, {"vec": "f32"}, "engines write NaN and infinity as nothing"),
        ({"type": "json::Json", "value": {"data": "json::Json", "value": {"k": {"redacted": True}}}}, "string", "a secret"),
    ],
)  # fmt: skip
def test_parameters_that_were_not_kept_whole(parameter: Any, type_: Any, why: str) -> None:
    declared = {"value": {"name": "value", "variability": "var", "described_type": type_, "default": None}}
    of = capturing("counting", changed("emit", parameters=declared))
    of.model.elements["main/numbers/emitNumber"].parameters = {"value": parameter}
    with pytest.raises(Conflict, match=why):
        captured(of, "main/numbers/emitNumber")


def test_a_model_from_further_outside_is_found_and_its_computed_parameters_are_not() -> None:
    asking = capturing("asking")
    told = captured(asking, "main/talk/distribute")
    (model,) = told["models"]
    assert model["parameters"] == {
        "treatment": {"raw": {"string": "echo::thereAndBack"}}, "version": {"raw": {"string": "0.1.0"}}
    }  # fmt: skip
    with pytest.raises(Conflict, match=r"the input access of main/start .* a work/access::Access exists only inside"):
        captured(asking, "main/start")
