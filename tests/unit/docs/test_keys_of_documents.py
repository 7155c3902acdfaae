"""The tables of docs/pipelines.md have every key of the schema of documents."""

import re

import pytest

from cadence.domain.pipelines.document import pipeline_schema
from tests.unit.docs.pages import DOCS

TEXT = (DOCS / "pipelines.md").read_text(encoding="utf-8")
MAIN = "| key | meaning | default |"


def test_keys_of_documents_are_in_the_table() -> None:
    assert set(pipeline_schema()["properties"]) - _keys(MAIN, "The document") == set()


def test_keys_of_treatments_are_in_the_table() -> None:
    assert set(pipeline_schema()["$defs"]["treatment"]["properties"]) - _keys(MAIN, "Treatments") == set()


@pytest.mark.parametrize(
    ("part", "heading"), [("trigger", "`trigger`"), ("melodium", "`melodium`"), ("step", "a step")]
)
def test_keys_of_parts_are_in_their_tables(part: str, heading: str) -> None:
    assert set(pipeline_schema()["$defs"][part]["properties"]) - _keys(f"| key of {heading} |") == set()


def _keys(columns: str, section: str | None = None) -> set[str]:
    """The words in code in the first column of the first table with these `columns`, from the heading `section` on."""
    start = TEXT.index(f"\n## {section}\n") if section else 0
    rows = TEXT[TEXT.index(columns, start) :].splitlines()
    table = rows[: next(number for number, row in enumerate(rows) if not row.startswith("|"))]
    return {key for row in table for key in re.findall(r"`([^`]+)`", row.split("|")[1])}
