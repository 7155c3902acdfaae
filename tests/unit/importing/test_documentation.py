"""What docs/importing.md shows is what comes of its example."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cadence.cli.main import app
from cadence.importing import SourceFormat, convert

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "importing.md").read_text(encoding="utf-8")
SHOWN, DOCUMENT = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)[:2]
REPORT = re.findall(r"tells\n\n```\n(.*?)```", TEXT, re.DOTALL)[0]


def test_the_example_becomes_the_document_shown() -> None:
    imported = convert(SHOWN, SourceFormat.GITHUB)

    assert imported.valid
    assert imported.document == DOCUMENT


def test_the_report_is_the_one_shown() -> None:
    notes = convert(SHOWN, SourceFormat.GITHUB).notes

    shown = [
        f"ci.yml{f':{note.line}' if note.line else ''}: {note.what}\n    why: {note.why}\n    do: {note.todo}\n"
        for note in notes
    ]
    assert REPORT.startswith("".join(shown))


def test_the_command_prints_the_report_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ci.yml").write_text(SHOWN, encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    assert CliRunner().invoke(app, ["import", "ci.yml"]).stderr == REPORT
