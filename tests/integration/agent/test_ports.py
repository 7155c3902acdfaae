"""Literals, unfed inputs, ports that are standard input and output, several writers, and types of values."""

import json
from typing import Any

import pytest

from .conftest import PATIENCE, Start, Work
from .fake_gateway import FakeGateway

pytestmark = pytest.mark.slow

MIB = 1 << 20


def port(name: str, flow: str = "stream", type_: str = "byte", **more: Any) -> dict[str, Any]:
    return {"port": name, "flow": flow, "type": type_, **more}


def feed(gateway: FakeGateway, content: bytes) -> list[Any]:
    stream = gateway.new_stream()
    stream.put_all(content)
    return [stream]


def test_literals_need_no_transfer(gateway: FakeGateway, work: Work, sandbox: str) -> None:
    runner = gateway.add_runner(
        'cat "$CADENCE_IN_n"; cat "$CADENCE_IN_lines"; cat config/x; echo "$CADENCE_IN_file"',
        inputs=[
            port("n", "block", "u8", literal="3\n", fed=False),
            port("lines", "stream", "string", literal="zwölf\nb\n", fed=False),
            port("file", "block", "byte", literal="restored\n", path="config/x", fed=False),
        ],
    )
    work(runner, sandbox)
    assert runner.text()[:4] == ["3", "zwölf", "b", "restored"]
    assert runner.text()[4].endswith("/work/config/x")
    assert gateway.requests["inputs"] == gateway.requests["GET"] == 0


def test_an_input_that_nothing_feeds_has_no_variable(gateway: FakeGateway, work: Work, sandbox: str) -> None:
    runner = gateway.add_runner(
        'echo "${CADENCE_IN_a-unset} ${CADENCE_IN_b-unset}"; ls "$HOME/in"',
        inputs=[port("a", "block", "string", fed=False), port("b", fed=False)],
    )
    work(runner, sandbox)
    assert runner.text() == ["unset unset"]


def test_a_stream_that_nothing_was_written_to_causes_a_warning(gateway: FakeGateway, work: Work, sandbox: str) -> None:
    runner = gateway.add_runner(
        'echo row > "$CADENCE_OUT_rows"; touch report',
        outputs=[port("rows"), port("lines", type_="string"), port("report", path="report")],
    )

    result = work(runner, sandbox)

    assert result["outcome"] == "succeeded"
    assert runner.outputs["lines"].content == b""
    warnings = [line["text"] for line in runner.lines.values() if line["level"] == "warning"]
    assert warnings == ["output lines: the command wrote nothing to it, so that its consumers receive an empty stream"]


@pytest.mark.parametrize("flow", ["stream", "block"])
def test_ports_as_standard_input_and_output(gateway: FakeGateway, work: Work, sandbox: str, flow: str) -> None:
    content = b"line\n" * (3 * MIB // 5)
    runner = gateway.add_runner(
        'echo "${CADENCE_IN_source-unset}" >&2; cat; echo "the end"',
        inputs=[port("source", flow)],
        outputs=[port("lines", flow, "string")],
        stdin="source",
        stdout="lines",
    )
    runner.inputs["source"] = feed(gateway, content)
    work(runner, sandbox)
    assert runner.outputs["lines"].content == content + b"the end\n"
    assert runner.text() == []
    assert (runner.text("stderr") == ["unset"]) == (flow == "stream")


def test_a_command_need_not_read_its_standard_input(gateway: FakeGateway, work: Work, sandbox: str) -> None:
    runner = gateway.add_runner("head -c 3", inputs=[port("source")], stdin="source")
    runner.inputs["source"] = feed(gateway, b"abc" + bytes(20 * MIB))
    assert work(runner, sandbox)["outcome"] == "succeeded"
    assert runner.text() == ["abc"]


def test_standard_input_that_nothing_feeds_is_empty(gateway: FakeGateway, work: Work) -> None:
    runner = gateway.add_runner("wc -c", inputs=[port("source", fed=False)], stdin="source")
    work(runner)
    assert [line.strip() for line in runner.text()] == ["0"]


def test_several_writers_at_once_give_whole_lines(gateway: FakeGateway, work: Work, sandbox: str) -> None:
    runner = gateway.add_runner(
        """seq 1 200 | xargs -P4 -n1 sh -c 'printf "%s %01000d\\n" "$0" 0 >> "$CADENCE_OUT_lines"'; """
        'echo last > "$CADENCE_OUT_lines"',
        outputs=[port("lines", "stream", "string")],
    )
    work(runner, sandbox)
    lines = runner.outputs["lines"].content.decode().splitlines()
    assert sorted(int(line.split()[0]) for line in lines[:-1]) == list(range(1, 201))
    assert {len(line.split()[1]) for line in lines[:-1]} == {1000}
    assert lines[-1] == "last"


@pytest.mark.parametrize(
    ("flow", "type_", "command", "error"),
    [
        ("stream", "u64", "printf '1\\n2\\nabc\\n4\\n'", 'output x, line 3: "abc" is not a u64'),
        ("stream", "u8", "printf '255\\n256'", 'output x, line 2: "256" is not a u8'),
        ("stream", "string", "printf 'a\\n\\377\\n'", 'output x, line 2: "\\\\xff" is not UTF-8 text'),
        ("stream", "Vec<u8>", "echo '[1,2,-3]'", 'output x, line 1: "[1,2,-3]" is not a Vec<u8>, written as JSON'),
        ("block", "u64", "echo abc", 'output x, line 1: "abc" is not a u64'),
        ("block", "u64", "true", "output x is empty, where one u64 is wanted"),
        ("block", "u64", "printf '4\\n5\\n'", 'output x, line 2: "5" is a second value: a Block<u64> is exactly one'),
        ("block", "f32", "echo 1e39", 'output x, line 1: "1e39" is not an f32'),
        ("block", "string", "printf 'a\\nb\\377'", 'output x, line 2: "b\\\\xff" is not UTF-8 text'),
        ("stream", "i8", 'echo "$TOKEN"', 'output x, line 1: "***" is not an i8'),
    ],
)
def test_a_wrong_value_fails_the_treatment(
    gateway: FakeGateway, work: Work, flow: str, type_: str, command: str, error: str
) -> None:
    runner = gateway.add_runner(
        f'{command} > "$CADENCE_OUT_x"', outputs=[port("x", flow, type_)], secrets={"TOKEN": "s3cr3t-value"}
    )
    done = work(runner)
    assert (done["outcome"], done["error"]) == ("failed", error)
    assert runner.outputs["x"].end is None
    assert b"256" not in runner.outputs["x"].content


def test_what_precedes_a_wrong_value_is_passed_on_and_nothing_of_it(gateway: FakeGateway, start: Start) -> None:
    runner = gateway.add_runner(
        'exec 3> "$CADENCE_OUT_x"; echo 1 >&3; sleep 0.3; printf 2 >&3; sleep 0.3; echo z >&3; sleep 987654',
        outputs=[port("x", "stream", "u64")],
    )
    start(runner)
    assert runner.done.wait(PATIENCE)
    assert runner.completed
    assert runner.completed["error"] == 'output x, line 2: "2z" is not a u64'
    assert runner.outputs["x"].content == b"1\n"


def test_right_values_pass_unchanged(gateway: FakeGateway, work: Work, sandbox: str) -> None:
    values = {
        "u64": "0\n18446744073709551615\n 7 \n" + "123\n" * 100_000,
        "i128": "-170141183460469231731687303715884105728\n",
        "f64": "1\n-1.5e300\n0.25\n",
        "bool": "true\nfalse\n",
        "char": '"a"\n"é"\n"\\n"\n',
        "void": "\nnull\n",
        "string": "\nzwölf\r\nno end",
        "Map<Option<u8>>": '{"a": null, "b": 255}\n',
    }
    names = {f"p{number}": type_ for number, type_ in enumerate(values)}
    script = "\n".join(f'cat "$CADENCE_IN_{name}" > "$CADENCE_OUT_{name}"' for name in names)
    runner = gateway.add_runner(
        script,
        inputs=[port(name, literal=values[type_], fed=False) for name, type_ in names.items()],
        outputs=[port(name, "stream", type_) for name, type_ in names.items()],
    )
    assert work(runner, sandbox)["outcome"] == "succeeded", json.dumps(runner.completed)
    assert {type_: runner.outputs[name].content.decode() for name, type_ in names.items()} == values


def test_a_line_longer_than_a_chunk(gateway: FakeGateway, work: Work) -> None:
    runner = gateway.add_runner(
        """python3 -c 'print("é" * 6_000_000, end="")' > "$CADENCE_OUT_text"
        python3 -c 'print("[" + "1," * 6_000_000 + "1]")' > "$CADENCE_OUT_list" """,
        outputs=[port("text", "stream", "string"), port("list", "stream", "Vec<u8>")],
    )
    done = work(runner)
    assert done["outcome"] == "failed"
    assert "is too long: a Vec<u8> may take 8 MiB" in done["error"]
    assert runner.outputs["text"].content.decode("utf-8", "strict") == "é" * len(
        runner.outputs["text"].content.decode()
    )


def test_a_block_of_text_may_have_several_lines(gateway: FakeGateway, work: Work) -> None:
    runner = gateway.add_runner(
        'printf "a\\n\\nb\\n" > "$CADENCE_OUT_text"; printf "{\\n \\"a\\": 1\\n}\\n" > "$CADENCE_OUT_map"',
        outputs=[port("text", "block", "string"), port("map", "block", "Map<u8>")],
    )
    assert work(runner)["outcome"] == "succeeded"
    assert runner.outputs["text"].content == b"a\n\nb\n"


def test_a_block_output_that_is_a_link_is_not_followed(gateway: FakeGateway, work: Work) -> None:
    runner = gateway.add_runner('ln -s /etc/passwd "$CADENCE_OUT_x"', outputs=[port("x", "block")])
    done = work(runner)
    assert (done["outcome"], done["error"].rpartition(" names ")[2]) == ("failed", "is not a plain file")
