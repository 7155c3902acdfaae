"""The real engine runs programs: as runs of their own, and asked for as treatments with inputs and outputs."""

import base64
import json
import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.engine import BINARY, HAS_SECRETS, PROGRAMS, in_version, needs_engine
from tests.integration.agent.conftest import PATIENCE, Start, Work
from tests.integration.agent.fake_gateway import WINDOW, FakeGateway, Runner
from tests.integration.agent.test_ports import feed, port
from tests.waiting import eventually

pytestmark = [pytest.mark.engine, needs_engine]

COUNTING = PROGRAMS / "counting"
has_secrets = pytest.mark.skipif(not HAS_SECRETS, reason="this engine has no secrets")
TREATMENTS = {"tally": "counting/words::tally", "pass-all": "counting/words::passAll", "bytes": "counting/words::bytes"}

# What `count` begins with.
FIRST = 1 if HAS_SECRETS else 0

Program = Callable[..., Runner]


@pytest.fixture(autouse=True)
def engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CADENCE_MELODIUM", str(BINARY))


@pytest.fixture
def program(gateway: FakeGateway) -> Program:
    def add(
        entrypoint: str,
        source: Path = COUNTING,
        ports: Any = None,
        secrets: Any = None,
        hidden: Any = None,
        type_: str = "string",
        **changes: Any,
    ) -> Runner:
        found = [source] if source.is_file() else sorted(source.rglob("*.*"))
        root = source.parent if source.is_file() else source
        files = {str(each.relative_to(root)): base64.b64encode(each.read_bytes()).decode() for each in found}
        program = {
            "files": files,
            "file": source.name if source.is_file() else "Compo.toml",
            "entrypoint": entrypoint,
            "treatment": TREATMENTS.get(entrypoint, f"counting::{entrypoint}"),
            "run_id": str(uuid.uuid4()),
            "group_id": str(uuid.uuid4()),
            **changes,
        }
        variables = {name: f"CADENCE_PARAMETER_{name}" for name in hidden or {}}
        if variables:
            program["secrets"] = {name: {"type": type_, "variable": each} for name, each in variables.items()}
        engine = {"program": program, "secrets": secrets or {}}
        values = {each: hidden[name] for name, each in variables.items()}
        return gateway.add_runner("", engine=engine, secrets=values, **(ports or {}))

    return add


def given(type_: str, value: Any) -> dict[str, Any]:
    return {"type": type_, "value": value}


def test_a_program_runs_with_its_parameters(program: Program, work: Work, sandbox: str) -> None:
    greeting = 'zwölf "words"\\n $HOME _'
    runner = program("main", parameters={"greeting": given("string", greeting), "times": given("u64", 3)})
    done = work(runner, sandbox)
    assert (done["outcome"], done["error"], done["exit_code"]) == ("succeeded", None, 0)
    assert [line.partition(" ")[2] for line in runner.text()] == [f"info: main: {greeting}"]


@pytest.mark.parametrize("entrypoint", ["main", "tally"])
def test_a_secret_is_a_parameter_and_in_no_command_line(
    gateway: FakeGateway,
    program: Program,
    work: Work,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    entrypoint: str,
) -> None:
    """The engine is one that tells how it was called before it is the real one."""
    word, spying = "hidden-from-all", tmp_path / "melodium"
    spying.write_text(f'#!/bin/sh\n[ "$1" = --version ] || {{ env; echo "$@"; }} >&2\nexec {BINARY} "$@"\n')
    spying.chmod(0o755)
    monkeypatch.setenv("CADENCE_MELODIUM", str(spying))
    parameter, ports = "greeting", {}
    values: dict[str, Any] = {"times": given("u64", 3)}
    if entrypoint == "tally":
        streams = [port("words", "stream", "string"), port("limit", "block", "u64")]
        parameter, ports, values = "label", {"inputs": streams, "outputs": streams}, {}
    runner = program(entrypoint, ports=ports, parameters=values, hidden={parameter: word})
    if ports:
        runner.inputs["words"], runner.inputs["limit"] = feed(gateway, b"one\n"), feed(gateway, b"42")
    done = work(runner, "plain")
    assert (done["outcome"], done["error"]) == ("succeeded", None), runner.lines
    text = "\n".join(runner.text("stderr"))
    assert "MELODIUM_HOME" in text and word not in text and "CADENCE_PARAMETER" not in text
    assert ("info: main: ***" in "\n".join(runner.text())) == (entrypoint == "main")
    # What was printed is masked, so what it was called with must not be in it even masked.
    called = [line for line in text.splitlines() if line.startswith(("run ", "dist ", "check "))]
    assert called and not [line for line in called if "***" in line]


@has_secrets
def test_a_secret_of_the_engines_own_kind_is_given_in_memory(
    program: Program, work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spying = tmp_path / "melodium"
    spying.write_text(f'#!/bin/sh\n[ "$1" = --version ] || {{ env; echo "$@"; }} >&2\nexec {BINARY} "$@"\n')
    spying.chmod(0o755)
    monkeypatch.setenv("CADENCE_MELODIUM", str(spying))
    for word, code in (("open-sesame", 0), ("open-says-me", 1)):
        runner = program(
            "main", PROGRAMS / "sealed", treatment="sealed::main", hidden={"word": word}, type_="Secret<string>"
        )
        assert work(runner, "plain")["outcome"] == "succeeded", runner.lines
        assert [line for line in runner.text() if line.endswith(f"exit: {code}")], runner.text()
        text = "\n".join(runner.text("stderr"))
        assert "--check-secrets" in text and "--word=" in text and word not in text and "***" not in text


@has_secrets
def test_a_secret_is_given_to_a_treatment_with_ports_in_the_message_that_launches_it(
    program: Program, work: Work
) -> None:
    ports = {
        "inputs": [port("trigger", "block", "void", literal="null", fed=False)],
        "outputs": [port("exit", "block", "Option<i32>")],
    }
    runner = program(
        "opens", PROGRAMS / "sealed", ports, treatment="sealed::opens", hidden={"word": "open-sesame"},
        type_="Secret<string>",
    )  # fmt: skip
    done = work(runner)
    assert (done["outcome"], done["error"]) == ("succeeded", None), runner.lines
    assert runner.outputs["exit"].content == b"0"


def test_what_its_launch_lacks_fails_the_treatment_although_the_engine_ends_with_0(
    program: Program, work: Work
) -> None:
    done = work(program("main"))
    assert done["outcome"] == "failed"
    assert done["error"] == "D0225: Parameter 'times' has no valid value for launch"


def test_an_error_that_a_program_logs_fails_it_unless_it_may(program: Program, work: Work) -> None:
    done = work(program("faulty"))
    assert (done["outcome"], done["error"]) == ("failed", "the program logged an error: faulty: the cake is a lie")
    assert work(program("faulty", errors="allow"))["outcome"] == "succeeded"


def test_a_program_that_the_engine_refuses_is_never_started(program: Program, work: Work, sandbox: str) -> None:
    runner = program("main", PROGRAMS / "stale" / "wrong_type.mel", parameters={"api_token": given("string", "x")})
    done = work(runner, sandbox)
    assert done["outcome"] == "failed"
    assert done["error"] == in_version(
        "the engine refuses the program: failure: L0192: Script error on stale: S0000: at line 10 position 10 'main': "
        "D0068: Design for 'stale::main' contains errors and cannot be commited; error: L0192: Script error on stale: "
        "S0000: at line 11 position 55 'api_token': D0197: Datatype does not match for 'api_token' of "
        "'cicd/runners::CicdDispatchEngine' in 'stale::main', "
        "Option<Secret<string>> (Secret<string>) expected but 'api_token' is string (string)"
    )
    assert not [line for line in runner.text() if "never" in line]


def test_a_check_runs_nothing(program: Program, work: Work, sandbox: str) -> None:
    """It is without a network where there is a sandbox; a pod has none."""
    runner = program("main", check_only=True, ports={"offline": True})
    done = work(runner, sandbox)
    assert (done["outcome"], done["error"]) == ("succeeded", None)
    assert runner.text() == []
    assert work(program("main", PROGRAMS / "stale" / "wrong_type.mel", check_only=True))["error"].startswith(
        "the engine refuses"
    )


def test_an_entrypoint_that_is_not_there_is_refused(program: Program, work: Work) -> None:
    assert "the engine refuses the program: failure: " in work(program("nothing"))["error"]


def test_a_machine_without_an_engine_says_so(program: Program, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = program("main", parameters={"times": given("u64", 3)})
    start(runner, env={"CADENCE_MELODIUM": "/nowhere/melodium"})
    eventually(lambda: runner.completed)
    assert runner.completed and runner.completed["outcome"] == "infrastructure"
    assert runner.completed["error"] == "this needs a Mélodium engine, and this machine has none: see CADENCE_MELODIUM"


def test_a_program_that_takes_too_long_is_ended(program: Program, work: Work) -> None:
    done = work(program("slow", ports={"max_duration": 1.5}))
    assert (done["outcome"], done["error"]) == ("timed_out", "the command ran longer than the 1.5 s it may take")


def test_a_program_is_cancelled(gateway: FakeGateway, program: Program, start: Start, workspaces: Path) -> None:
    runner = program("slow")
    start(runner)
    eventually(lambda: any("sleeping" in line for line in runner.text()))
    runner.cancel = "enough"
    assert runner.done.wait(PATIENCE)
    assert runner.completed and runner.completed["outcome"] == "cancelled"
    eventually(lambda: not list(workspaces.glob("cadence-*")))


def test_an_engine_that_is_killed_is_a_failure_with_its_signal(
    program: Program, start: Start, workspaces: Path
) -> None:
    runner = program("slow")
    start(runner)
    eventually(lambda: any("sleeping" in line for line in runner.text()))
    (engine,) = [pid for pid, argv in processes() if "run" in argv and str(workspaces) in " ".join(argv)]
    os.kill(engine, 9)
    assert runner.done.wait(PATIENCE)
    assert runner.completed and runner.completed["outcome"] == "failed"
    told = "the engine was killed by signal 9, as happens if the treatment has too little memory"
    assert runner.completed["error"] == told


def processes() -> list[tuple[int, list[str]]]:
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            argv = (place / "cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue
        if argv[0] == str(BINARY):
            found.append((int(place.name), argv))
    return found


def test_a_treatment_of_a_program_has_inputs_and_outputs(
    gateway: FakeGateway, program: Program, work: Work, sandbox: str
) -> None:
    ports = {
        "inputs": [port("words", type_="string"), port("limit", "block", "u64")],
        "outputs": [
            port("words", type_="string"),
            port("counts", type_="u128"),
            port("limit", "block", "u64"),
            port("ended", "block", "void"),
        ],
    }
    words = "".join(f"wörd {number}\n" for number in range(70_000)).encode()
    runner = program("tally", ports=ports, parameters={"label": given("string", "mine")})
    runner.inputs["words"], runner.inputs["limit"] = feed(gateway, words), feed(gateway, b" 18446744073709551615\n")
    done = work(runner, sandbox)
    assert (done["outcome"], done["error"]) == ("succeeded", None), (done["error"], runner.text("stderr"))
    assert runner.outputs["words"].content == words
    assert runner.outputs["counts"].content == b"".join(b"%d\n" % (number + FIRST) for number in range(70_000))
    assert runner.outputs["limit"].content == b"18446744073709551615"
    assert runner.outputs["ended"].content == b"null"


def test_a_script_of_one_file_is_asked_for_as_well(
    gateway: FakeGateway, program: Program, work: Work, tmp_path: Path
) -> None:
    script = tmp_path / "echoing.mel"
    script.write_text(
        in_version("#! name = echoing\n#! version = 1.2.3\n#! require = std:0.11.0\n\n")
        + "treatment main()\n  input data: Stream<byte>\n  output data: Stream<byte>\n{\n    Self.data -> Self.data\n}\n"
    )
    runner = program(
        "main", script, treatment="echoing::main", ports={"inputs": [port("data")], "outputs": [port("data")]}
    )
    runner.inputs["data"] = feed(gateway, bytes(range(256)) * 300)
    assert work(runner)["error"] is None
    assert runner.outputs["data"].content == bytes(range(256)) * 300


VALUES: dict[str, list[Any]] = {
    "u128": [0, 1, 2**64, 2**128 - 1],
    "i64": [-(2**63), -1, 0, 2**63 - 1],
    "f32": [0.1, -1.5, 3.4028234663852886e38, 1.0],
    "f64": [0.1, 1e300, -2.5e-300, 3.0],
    "bool": [True, False],
    "char": ["a", "é", '"', "\U0001f600"],
    "void": [None, None],
    "Option<i32>": [None, -7],
    "Vec<Option<string>>": [[], ["a\nb", None, 'q"'], [None]],
}


def test_values_of_every_core_type_pass_exactly(gateway: FakeGateway, program: Program, work: Work) -> None:
    names = ["u128s", "i64s", "f32s", "f64s", "bools", "chars", "voids", "options", "lists"]
    ports = [port(name, type_=type_) for name, type_ in zip(names, VALUES, strict=True)]
    ports += [port("text", "block", "string"), port("one", "block", "byte")]
    runner = program("pass-all", ports={"inputs": ports, "outputs": ports})
    for name, values in zip(names, VALUES.values(), strict=True):
        runner.inputs[name] = feed(gateway, "".join(json.dumps(value) + "\n" for value in values).encode())
    runner.inputs["text"], runner.inputs["one"] = feed(gateway, b"two\nlines\n"), feed(gateway, b"\xff")
    done = work(runner)
    assert (done["outcome"], done["error"]) == ("succeeded", None), (done["error"], runner.text("stderr"))
    for name, values in zip(names, VALUES.values(), strict=True):
        assert [json.loads(line) for line in runner.outputs[name].content.splitlines()] == values
    assert runner.outputs["text"].content == b"two\nlines\n"
    assert runner.outputs["one"].content == b"\xff"


def test_a_value_of_another_type_is_told_with_its_line(gateway: FakeGateway, program: Program, work: Work) -> None:
    ports = [port("words", type_="string"), port("limit", "block", "u64")]
    outputs = [*ports, port("counts", type_="u128"), port("ended", "block", "void")]
    runner = program("tally", ports={"inputs": ports, "outputs": outputs})
    runner.inputs["words"], runner.inputs["limit"] = feed(gateway, b"one\n\xff\n"), feed(gateway, b"1")
    done = work(runner)
    assert (done["outcome"], done["error"]) == ("failed", "input words, line 2: byte 0 is not UTF-8")


def test_a_producer_is_held_back_while_the_engine_is(gateway: FakeGateway, program: Program, start: Start) -> None:
    """What flows in is no more than the agent and the engine hold (of chunks of 8 MiB at most six): the consumer takes
    nothing."""
    runner = program("bytes", ports={"inputs": [port("data")], "outputs": [port("data")]})
    content = os.urandom(1 << 20) * 96
    stream = gateway.new_stream()
    stream.put_all(content)
    runner.inputs["data"] = [stream]
    output = runner.outputs["data"]
    output.consumer_next = -WINDOW
    start(runner)
    eventually(lambda: output.denied > 3)
    assert len(stream.fetched) < 96
    assert output.content == b""
    output.consumer_next = None
    assert runner.done.wait(300)  # engines of 0.10.2 encode each byte by itself
    assert output.content == content
