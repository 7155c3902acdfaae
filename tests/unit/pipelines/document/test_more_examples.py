"""The examples by language and by pattern are valid, named after their files, and name their schema."""

import json
from pathlib import Path

import pytest

from cadence.cli.shared.offline_validation import validate_offline

EXAMPLES = Path(__file__).resolve().parents[4] / "examples"
FILES = sorted((*EXAMPLES.glob("languages/*.yaml"), *EXAMPLES.glob("patterns/*.yaml")))


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_is_valid_and_named_after_its_file(file: Path) -> None:
    checked = validate_offline(file.read_text(encoding="utf-8"), str(file))
    assert checked == {"name": file.stem, "valid": True, "findings": [], "secrets": []}


@pytest.mark.parametrize(
    "file",
    sorted((*FILES, *(path for path in EXAMPLES.glob("*.yaml") if path.stem != "ten-mistakes"))),
    ids=lambda file: f"{file.parent.name}-{file.stem}",
)
def test_editors_find_the_schema(file: Path) -> None:
    first = file.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# yaml-language-server: $schema=")
    assert (file.parent / first.partition("=")[2]).resolve() == EXAMPLES.parent / "schemas/pipeline/1.json"


def test_each_schema_has_an_id_of_its_own() -> None:
    schemas = EXAMPLES.parent / "schemas"
    for file in sorted(schemas.rglob("*.json")):
        name = ":".join(file.relative_to(schemas).with_suffix("").parts)
        assert json.loads(file.read_text())["$id"] == f"urn:cadence:schema:{name}", file
