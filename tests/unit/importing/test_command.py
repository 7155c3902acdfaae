"""`cadence import`: what goes where, and with which status it ends."""

import json
from pathlib import Path

from typer.testing import CliRunner

from cadence.cli.main import app
from cadence.domain.pipelines.document import validate

HERE = Path(__file__).parent
FILE = str(HERE / "gitlab" / "needs-dag.yml")


def test_the_document_goes_to_standard_output_and_the_report_to_standard_error() -> None:
    result = CliRunner().invoke(app, ["import", FILE])

    assert result.exit_code == 0
    assert validate(result.stdout).pipeline is not None
    assert f"{FILE}:11: mac:test: needs x" in result.stderr
    assert "a valid pipeline, 1 item to review" in result.stderr


def test_a_file_gets_the_document_and_json_the_report(tmp_path: Path) -> None:
    out = tmp_path / "out.yaml"

    result = CliRunner().invoke(app, ["import", FILE, "--json", "-o", str(out)])

    told = json.loads(result.stdout)
    assert (told["from"], told["valid"], "document" in told) == ("gitlab", True, False)
    assert told["report"][0].keys() == {"line", "what", "why", "todo"}
    assert validate(out.read_text()).pipeline is not None


def test_what_cannot_be_imported_fails_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "x.yml").write_text("jobs:\n  a: {needs: b}\n  b: {needs: a}\n")

    result = CliRunner().invoke(app, ["import", str(tmp_path / "x.yml")])

    assert result.exit_code == 1
    assert "x.yml:2: error: Jobs need each other in a circle" in result.stderr


def test_wrong_use_is_told_apart() -> None:
    assert CliRunner().invoke(app, ["import", "/nowhere"]).exit_code == 2
    assert CliRunner().invoke(app, ["import", FILE, "--from", "jenkins"]).exit_code == 2
    assert CliRunner().invoke(app, ["import", FILE, "-o", "/nowhere/x.yaml"]).exit_code == 2
