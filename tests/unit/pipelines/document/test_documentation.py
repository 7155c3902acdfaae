"""The documents shown in docs/pipelines.md are valid, and its tables name every key of the schema."""

import re
from pathlib import Path

import pytest

from cadence.domain.pipelines.document import Context, Reference, pipeline_schema, validate

TEXT = (Path(__file__).resolve().parents[4] / "docs" / "pipelines.md").read_text(encoding="utf-8")
DOCUMENTS = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
NAMED = {named[1]: part for part in DOCUMENTS if (named := re.match(r"# (\S+\.yaml)\n", part))}
"""Files that use each other, by the path in their first line."""
FILES = Context(path=".cadence/site.yaml", libraries={Reference(path=path): NAMED[path].encode() for path in NAMED})
HEAD = "cadence: 1\nname: sample\n"
PRODUCER = "  producer: {run: x, outputs: {lines: Stream<string>}}\n"
BYTES = "  archive: {run: x, outputs: {tar: Stream<byte>}}\n"


def completed(part: str) -> str:
    """A part of a document, with what it needs around it."""
    if part.startswith("cadence:"):
        return part
    if part.startswith("    "):
        image = "" if "image:" in part else "    image: debian\n"
        return f"{HEAD}treatments:\n  a:\n    run: x\n{image}{part}"
    if part.startswith("  build:"):
        return f"{HEAD}treatments:\n{BYTES}{part}connections: [archive.tar -> build.source]\n"
    if part.startswith("  pack:"):
        return f"{HEAD}treatments:\n{BYTES}{part}connections: [archive.tar -> pack.source]\n"
    if part.startswith("  count:"):
        return f"{HEAD}treatments:\n{PRODUCER}{part}connections: [producer.lines -> count.lines]\n"
    return HEAD + part if "treatments:" in part else f"{HEAD}treatments: {{a: {{run: x}}}}\n{part}"


@pytest.mark.parametrize("part", DOCUMENTS)
def test_a_document_shown_is_valid(part: str) -> None:
    assert validate(completed(part), context=FILES).findings == ()


def test_files_that_use_each_other_are_shown_together() -> None:
    assert set(NAMED) == {".cadence/site.yaml", "ci/python.yaml"}


def test_every_key_is_documented() -> None:
    schema = pipeline_schema()
    groups = [
        schema["properties"],
        schema["$defs"]["treatment"]["properties"],
        schema["$defs"]["triggers"]["properties"],
    ]
    keys = {key for group in groups for key in group}

    assert {key for key in keys if f"`{key}`" not in TEXT and f"`{key}:" not in TEXT} == set()
