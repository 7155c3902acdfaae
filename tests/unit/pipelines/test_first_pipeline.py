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
def test_each_tool_gets_a_treatment_with_the_source(tmp_path: Path, treatment: str) -> None:
    document = written(tmp_path, FILE_OF[treatment])

    assert validate(document).findings == ()
    parsed = yaml.safe_load(document)
    assert list(parsed["treatments"]) == [treatment]
    assert parsed["treatments"][treatment]["source"] is True


def test_all_files_together_make_a_valid_document(tmp_path: Path) -> None:
    document = written(tmp_path, *FILES)

    assert validate(document).findings == ()
    assert list(yaml.safe_load(document)["treatments"]) == list(FILE_OF)


def test_commands_follow_the_files(tmp_path: Path) -> None:
    written(tmp_path, "requirements.txt", "package-lock.json", "Cargo.toml", "Cargo.lock")
    (tmp_path / "package.json").write_text(json.dumps({"scripts": {"test": "vitest"}}))
    treatments = yaml.safe_load(first_pipeline(tmp_path, "site") or "")["treatments"]

    assert treatments["python"]["run"].splitlines() == [
        "python -m pip install --quiet pytest",
        "python -m pip install --quiet -r requirements.txt",
        "python -m pytest --junit-xml=junit.xml",
    ]
    assert treatments["python"]["reports"] == {"junit": "junit.xml"}
    assert treatments["node"]["run"].splitlines() == ["npm ci", "npm run test"]
    assert treatments["rust"]["run"].splitlines() == ["cargo test --locked"]


def test_without_images_a_treatment_uses_the_machine_s_programs_and_changes_none(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "go.mod").touch()
    document = first_pipeline(tmp_path, "site", images=False) or ""
    treatments = yaml.safe_load(document)["treatments"]

    assert validate(document).findings == ()
    assert not any("image" in treatment for treatment in treatments.values())
    assert treatments["python"]["run"].splitlines()[:2] == ["python3 -m venv .venv", ". .venv/bin/activate"]
    assert treatments["go"]["run"].splitlines() == ["go vet ./...", "go test ./..."]


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
    assert "--no-images" in first.output
    assert validate((tmp_path / ".cadence" / "site.yaml").read_text()).findings == ()
    assert again.exit_code == 1
    assert "exists already" in again.stderr


def test_a_terminal_is_asked_two_questions_unless_options_answer_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cadence.cli.pipelines.init._on_a_terminal", lambda: True)
    (tmp_path / "go.mod").touch()

    asked = CliRunner().invoke(app, ["init", str(tmp_path)], input="site\nn\n")
    told = CliRunner().invoke(app, ["init", str(tmp_path), "--name", "other", "--images"])

    assert asked.exit_code == told.exit_code == 0
    assert "Name of the pipeline" in asked.output and "container images" in asked.output
    assert "image" not in (tmp_path / ".cadence" / "site.yaml").read_text()
    assert "?" not in told.output
    assert "image: golang" in (tmp_path / ".cadence" / "other.yaml").read_text()


def test_what_cannot_be_written_is_refused_with_the_reason(tmp_path: Path) -> None:
    nothing = CliRunner().invoke(app, ["init", str(tmp_path)])
    assert (nothing.exit_code, "has none of pyproject.toml" in nothing.stderr) == (1, True)
    assert not (tmp_path / ".cadence").exists()
    assert CliRunner().invoke(app, ["init", str(tmp_path / "absent")]).exit_code == 2
    assert CliRunner().invoke(app, ["init", str(tmp_path), "--name", "No Name"]).exit_code == 2
