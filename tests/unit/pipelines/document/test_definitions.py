"""Definitions: what a treatment takes from the one it uses, here or in a library, and where mistakes are told."""

from typing import Any

import pytest

from cadence.domain.pipelines.document import Checked, Context, Finding, Reference, validate
from cadence.domain.pipelines.document.definitions import Definitions
from cadence.domain.pipelines.document.draft import DraftTreatment
from cadence.domain.pipelines.document.findings import Problems
from cadence.domain.pipelines.document.libraries import Libraries
from cadence.domain.pipelines.document.syntax.reading import read_draft
from cadence.domain.pipelines.document.syntax.text import read
from cadence.domain.pipelines.document.treatments.programs import ProgramChecks

HEAD = "cadence: 1\nname: sample\n"
SHARED = b"""
definitions:
  base: {generics: [T], inputs: {in: Stream<T>}, outputs: {out: Stream<T>}, run: cat, env: {A: base, B: base}}
  build: {use: base, with: {T: byte}, image: debian, env: {B: build}}
"""


def draft(text: str, libraries: dict[Reference, bytes] | None = None) -> dict[str, DraftTreatment]:
    """The treatments of a document without problems."""
    problems = Problems()
    found = read_draft(read(text, "yaml").data, Libraries(libraries or {}), ProgramChecks(None, problems), problems)
    assert list(problems) == []
    return found.treatments


def checked(text: str) -> Checked:
    return validate(HEAD + text)


def told(text: str) -> list[tuple[str, int, str]]:
    return [(finding.code, finding.line, finding.message) for finding in checked(text).findings]


def test_own_keys_win_and_variables_secrets_and_axes_are_merged() -> None:
    treatment = draft("""
definitions:
  make:
    run: make
    image: debian
    cpu: 500
    env: {MODE: slow, LEVEL: 1}
    secrets: {TOKEN: read}
    matrix: {os: [a, b]}
    retry: {failure: 1}
treatments:
  fast: {use: make, cpu: 2000, env: {MODE: fast}, secrets: {KEY: write}, matrix: {python: [c]}, retry: {timeout: 2}}
""")["fast"]

    assert {key: value for key, value in treatment.body.items() if key != "use"} == {
        "run": "make",
        "image": "debian",
        "cpu": 2000,
        "env": {"MODE": "fast", "LEVEL": 1},
        "secrets": {"TOKEN": "read", "KEY": "write"},
        "matrix": {"os": ["a", "b"], "python": ["c"]},
        "retry": {"timeout": 2},
    }


def test_what_is_inherited_is_known_by_where_it_is_written() -> None:
    treatment = draft("""
definitions:
  base: {run: x, image: debian, env: {A: 1}}
  make: {use: base, cpu: 5, env: {B: 2}}
treatments:
  fast: {use: make, env: {C: 3}, memory: 1}
""")["fast"]

    places = {
        keys: treatment.at(*keys)
        for keys in [("image",), ("cpu",), ("memory",), ("env", "A"), ("env", "B"), ("env", "C")]
    }
    assert places == {
        ("image",): ("definitions", "base", "image"),
        ("cpu",): ("definitions", "make", "cpu"),
        ("memory",): ("treatments", "fast", "memory"),
        ("env", "A"): ("definitions", "base", "env", "A"),
        ("env", "B"): ("definitions", "make", "env", "B"),
        ("env", "C"): ("treatments", "fast", "env", "C"),
    }  # fmt: skip


def test_a_library_is_a_definition_s_own_world() -> None:
    use = "{pipeline: shared, version: 3, definition: build}"
    text = f"definitions: {{base: {{run: other}}}}\ntreatments: {{a: {{use: {use}, inputs: {{in: Block<u8>}}}}}}"

    treatment = draft(text, {Reference(pipeline="shared", version=3): SHARED})["a"]

    assert treatment.body["run"] == "cat"
    assert treatment.body["env"] == {"A": "base", "B": "build"}
    assert {name: str(port and port.flow_type) for name, port in (treatment.outputs or {}).items()} == {
        "out": "Stream<byte>"
    }
    assert {name: str(port and port.flow_type) for name, port in (treatment.inputs or {}).items()} == {
        "in": "Block<u8>"
    }


def test_a_definition_s_mistake_is_told_once_and_there_however_often_it_is_used() -> None:
    assert told("""definitions:
  bad: {run: x, env: {1A: y}, outputs: {failed: Block<u8>}, stdin: none}
  unused: {run: x, env: {CADENCE_A: y}}
treatments:
  a: {use: bad}
  b: {use: bad}
""") == [
        ("bad-variable-name", 4, "“1A” cannot be the name of an environment variable."),
        ("reserved-port", 4, "Every treatment already has the output “failed”."),
        ("unknown-port", 4, "“stdin” names no input of definition “bad”: “none”."),
        ("reserved-variable", 5, "“CADENCE_A” is reserved: Cadence sets CADENCE_*."),
    ]


def test_what_only_a_use_brings_about_is_told_at_the_use() -> None:
    assert told("""definitions:
  one: {run: x, secrets: {TOKEN: read}, inputs: {i: Block<u8>}}
treatments:
  a:
    use: one
    env: {TOKEN: y}
""") == [
        ("input-not-fed", 7, "With definition “one”: Nothing feeds the input a.i."),
        ("variable-set-twice", 7, "With definition “one”: “TOKEN” is set in env and in secrets."),
    ]


def test_a_library_s_mistakes_are_told_at_the_use_and_name_the_library() -> None:
    source = HEAD + "treatments: {a: {use: {pipeline: shared, version: 1, definition: build}, env: {T: x}}}"
    library = b"definitions: {build: {run: x, secrets: {T: s}}}"

    (finding,) = validate(
        source, context=Context(libraries={Reference(pipeline="shared", version=1): library})
    ).findings

    assert (finding.code, finding.pointer) == ("variable-set-twice", "/treatments/a/use")
    assert finding.message.startswith("With definition “build”")


def test_chains_of_definitions_can_be_long() -> None:
    links = {f"d{number}": {"use": f"d{number + 1}", "env": {f"V{number}": 1}} for number in range(700)}
    bodies: dict[str, Any] = {**links, "d700": {"run": "x"}}
    problems = Problems()

    found = Definitions(bodies, Libraries({}), problems).named("d0")

    assert list(problems) == []
    assert found is not None
    assert len(found.body["env"]) == 700


@pytest.mark.parametrize("size", [1, 2, 500])
def test_a_circle_of_definitions_is_one_finding(size: int) -> None:
    bodies = "".join(f"  d{number}: {{use: d{(number + 1) % size}}}\n" for number in range(size))

    findings = checked(f"definitions:\n{bodies}treatments: {{a: {{use: d0}}}}").findings

    assert [finding.code for finding in findings] == ["recursive-definition"]
    assert len(findings[0].message) < 250


def codes(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.code for finding in findings]


def test_a_library_may_use_another_four_deep() -> None:
    def library(number: int) -> bytes:
        use = f"use: {{pipeline: l{number + 1}, version: 1, definition: d}}" if number < 4 else "run: x"
        return f"definitions: {{d: {{{use}}}}}".encode()

    texts = {Reference(pipeline=f"l{number}", version=1): library(number) for number in range(5)}
    source = HEAD + "treatments: {{a: {{use: {{pipeline: l{}, version: 1, definition: d}}}}}}"

    assert codes(validate(source.format(1), context=Context(libraries=texts)).findings) == []
    assert codes(validate(source.format(0), context=Context(libraries=texts)).findings) == ["unreachable-definition"]
