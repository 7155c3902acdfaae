"""Treatments that run a document which another treatment sends."""

import pytest

from cadence.domain.pipelines.document import Context, validate

HEAD = "cadence: 1\nname: p\ntreatments:\n  write: {outputs: {pipeline: Block<string>, all: Stream<string>}, run: x}\n"
TAIL = "connections: [write.pipeline -> go.pipeline]\n"
INPUT = "inputs: {pipeline: Block<string>}"


def test_a_valid_one_waits_for_its_run() -> None:
    checked = validate(f"{HEAD}  go: {{{INPUT}, trigger: {{document: pipeline, parameters: {{a: 1}}}}}}\n{TAIL}")
    assert checked.findings == ()


@pytest.mark.parametrize(
    ("treatment", "codes"),
    [
        (f"{INPUT}, trigger: {{document: pipeline, pipeline: q}}", ["contradiction"]),
        (f"{INPUT}, trigger: {{document: pipeline, wait: false}}", ["contradiction"]),
        (f"{INPUT}, trigger: {{document: pipeline}}, matrix: {{a: [1, 2]}}", ["contradiction"]),
        (f"{INPUT}, trigger: {{document: pipelines}}", ["unknown-port"]),
        (f"{INPUT}, trigger: {{}}", ["missing-key"]),
        (f"{INPUT}, trigger: {{document: pipeline}}, secrets: {{A: a}}", ["contradiction"]),
        ("inputs: {pipeline: {type: Block<string>, optional: true}}, trigger: {document: pipeline}", ["bad-binding"]),
        ("inputs: {pipeline: Block<u8>}, trigger: {document: pipeline}", ["type-mismatch", "bad-binding"]),
    ],
    ids=["both", "wait", "matrix", "name", "none", "secrets", "optional", "type"],
)
def test_what_is_wrong_is_found(treatment: str, codes: list[str]) -> None:
    found = validate(f"{HEAD}  go: {{{treatment}}}\n{TAIL}").findings
    assert sorted(finding.code for finding in found) == sorted(codes)


def test_a_document_runs_a_limited_number_of_others() -> None:
    def document(number: int) -> str:
        going = "".join(f"  go{n}: {{{INPUT}, trigger: {{document: pipeline}}}}\n" for n in range(number))
        connections = ", ".join(f"write.pipeline -> go{n}.pipeline" for n in range(number))
        return f"{HEAD}{going}connections: [{connections}]\n"

    assert validate(document(20)).findings == ()
    assert [finding.code for finding in validate(document(21)).findings] == ["too-many-treatments"]


def test_a_document_that_was_sent_starts_no_runs() -> None:
    document = (
        f"{HEAD}  go: {{{INPUT}, trigger: {{document: pipeline}}}}\n  other: {{trigger: {{pipeline: q}}}}\n{TAIL}"
    )
    found = validate(document, context=Context(is_generated=True)).findings
    assert [(finding.code, finding.line) for finding in found] == [("generated-trigger", 5), ("generated-trigger", 6)]
