"""`cadence init`: the pipeline that it writes for the files of a repository."""

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from cadence.cli.main import app
from cadence.cli.pipelines.first_pipeline import FILES, first_pipeline, name_of
from cadence.domain.pipelines.document import validate

FILE_OF = {
    "python": "pyproject.toml",
    "node": "package.json",
    "go": "go.mod",
    "rust": "Cargo.toml",
    "image": "Dockerfile",
}


def written(folder: Path, *files: str) -> str:
    for file in files:
        (folder / file).write_text("{}" if file.endswith(".json") else "")
    document = first_pipeline(folder, "site")
    assert document is not None
    return document


@pytest.mark.parametrize("treatment", FILE_OF)
def test_each_tool_gets_a_treatment_fed_with_the_source(tmp_path: Path, treatment: str) -> None:
    document = written(tmp_path, FILE_OF[treatment])

    assert validate(document).findings == ()
    parsed = yaml.safe_load(document)
    assert list(parsed["treatments"]) == ["fetch", treatment]
    assert parsed["connections"] == [f"fetch.source -> {treatment}.source"]


def test_all_files_together_make_a_valid_document(tmp_path: Path) -> None:
    document = written(tmp_path, *FILES)

    assert validate(document).findings == ()
    assert list(yaml.safe_load(document)["treatments"]) == ["fetch", *FILE_OF]


def test_commands_follow_the_files(tmp_path: Path) -> None:
    written(tmp_path, "requirements.txt", "package-lock.json", "Cargo.toml", "Cargo.lock")
    (tmp_path / "package.json").write_text(json.dumps({"scripts": {"test": "vitest"}}))
    treatments = yaml.safe_load(first_pipeline(tmp_path, "site") or "")["treatments"]

    assert treatments["python"]["run"].splitlines()[1:] == [
        "python -m pip install --quiet pytest",
        "python -m pip install --quiet -r requirements.txt",
        "python -m pytest",
    ]
    assert treatments["node"]["run"].splitlines()[1:] == ["npm ci", "npm run test"]
    assert treatments["rust"]["run"].splitlines()[1:] == ["cargo test --locked"]


@pytest.mark.parametrize(
    ("folder", "name"), [("Site", "site"), ("my app.v2", "my-app-v2"), ("2048", "p-2048"), ("x" * 70, "x" * 63)]
)
def test_the_folder_gives_the_name(tmp_path: Path, folder: str, name: str) -> None:
    assert name_of(tmp_path / folder) == name


def test_the_command_writes_a_file_once(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module site\n")

    first = CliRunner().invoke(app, ["init", str(tmp_path), "--name", "site"])
    again = CliRunner().invoke(app, ["init", str(tmp_path), "--name", "site"])

    assert first.exit_code == 0, first.output
    assert "site.yaml" in first.output
    assert validate((tmp_path / ".cadence" / "site.yaml").read_text()).findings == ()
    assert again.exit_code == 1
    assert "exists already" in again.stderr


def test_what_cannot_be_written_is_refused_with_the_reason(tmp_path: Path) -> None:
    nothing = CliRunner().invoke(app, ["init", str(tmp_path)])
    assert (nothing.exit_code, "has none of pyproject.toml" in nothing.stderr) == (1, True)
    assert not (tmp_path / ".cadence").exists()
    assert CliRunner().invoke(app, ["init", str(tmp_path / "absent")]).exit_code == 2
    assert CliRunner().invoke(app, ["init", str(tmp_path), "--name", "No Name"]).exit_code == 2
