"""Artifacts that the instances of a matrix upload: the report says once what their consumer receives."""

import subprocess
from pathlib import Path
from typing import Any

import yaml

from cadence.importing import Imported, convert

WORKFLOW = """\
on: push
jobs:
  make:
    runs-on: ubuntu-latest
    strategy: {matrix: {part: [1, 2]}}
    steps:
      - run: make
      - uses: actions/upload-artifact@v4
        with: {name: "report-${{ matrix.part }}", path: %s}
  read:
    needs: make
    runs-on: ubuntu-latest
    steps:
      - uses: actions/download-artifact@v4
        with: {path: all, pattern: report-*, merge-multiple: true}
      - run: ls all
"""


def imported(path: str) -> tuple[dict[str, Any], Imported]:
    result = convert(WORKFLOW % path)
    assert result.valid, (result.document, result.findings)
    return yaml.safe_load(result.document)["treatments"]["read"], result


def test_files_are_joined_as_the_one_warning_says() -> None:
    read, result = imported("report.xml")

    assert read["inputs"] == {"report": {"type": "Stream<byte>", "path": "all/report.xml"}}
    assert [finding.code for finding in result.findings] == ["files-joined"]
    assert not any("artifact" in note.what or "tar" in note.todo for note in result.notes)


def test_folders_of_all_instances_are_unpacked() -> None:
    read, result = imported("out/")

    assert read["inputs"] == {"report": {"type": "Stream<byte>", "path": "artifact-report.tar"}}
    assert "mkdir -p all/ && tar -xif artifact-report.tar -C all/" in read["steps"][0]["run"].replace('"', "")
    assert any("replace one another" in note.why for note in result.notes)


def test_archives_of_all_instances_are_unpacked() -> None:
    read, _ = imported("'*.whl'")

    assert "tar -xif artifact-report.tar -C all/" in read["steps"][0]["run"].replace('"', "")


SOMETIMES = """\
on: push
jobs:
  make:
    runs-on: ubuntu-latest
    strategy: {matrix: {part: [1, 2]}}
    steps:
      - run: make
      - {if: "%s", uses: actions/upload-artifact@v4, with: {name: report, path: dist/}}
  read:
    needs: make
    runs-on: ubuntu-latest
    steps: [{uses: actions/download-artifact@v4, with: {name: report, path: all}}, {run: ls all}]
"""


def test_an_artifact_under_a_condition_is_empty_where_that_is_false(tmp_path: Path) -> None:
    result = convert(SOMETIMES % "matrix.part == 1")
    treatments = yaml.safe_load(result.document)["treatments"]
    first, *_, last = treatments["make"]["steps"]
    unpacking = treatments["read"]["steps"][0]["run"]

    assert result.valid
    assert last["when"] == "${{ matrix.part == 1 }}"
    assert treatments["make"]["outputs"] == {"report": {"type": "Stream<byte>", "path": "artifact-report.tar"}}
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "a.whl").touch()
    for script, expected in ((first["run"], []), (last["run"], ["all/dist/a.whl"])):
        subprocess.run(["bash", "-e", "-c", script + unpacking], cwd=tmp_path, check=True)
        assert [str(file.relative_to(tmp_path)) for file in (tmp_path / "all").glob("**/*.whl")] == expected


def test_an_artifact_after_success_or_failure_is_a_plain_output() -> None:
    for condition in ("always()", "success() || failure()", "${{ !cancelled() }}"):
        make = yaml.safe_load(convert(SOMETIMES % condition).document)["treatments"]["make"]
        assert make["outputs"] == {"report": {"type": "Stream<byte>", "path": "dist/"}}
