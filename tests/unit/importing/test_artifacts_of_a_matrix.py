"""Artifacts that the instances of a matrix upload: the report says once what their consumer receives."""

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
