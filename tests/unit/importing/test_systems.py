"""Jobs for Windows and macOS do not run on Linux: the legs are left out, or the treatment does not run."""

from typing import Any

import pytest
import yaml

from cadence.importing import Imported, convert

WORKFLOW = """\
on: push
jobs:
  test:
    runs-on: %s
    strategy: {matrix: %s}
    steps:
      - {run: make test, if: runner.os != 'Windows'}
"""
OS = '"${{ matrix.os }}"'


def imported(runs_on: str, matrix: str) -> tuple[dict[str, Any], Imported]:
    result = convert(WORKFLOW % (runs_on, matrix))
    assert result.valid, (result.document, result.findings)
    return yaml.safe_load(result.document)["treatments"]["test"], result


@pytest.mark.parametrize(
    ("runs_on", "matrix", "expected"),
    [
        (OS, "{os: [ubuntu-latest, windows-latest, macos-15]}", {"os": ["ubuntu-latest"]}),
        (
            OS,
            "{os: [ubuntu-latest, windows-latest], go: [1, 2], exclude: [{os: windows-latest, go: 1}]}",
            {"os": ["ubuntu-latest"], "go": [1, 2]},
        ),
        (
            OS,
            "{go: [1], include: [{os: macos-latest, go: 2}, {os: ubuntu-latest, go: 1}]}",
            {"go": [1], "include": [{"os": "ubuntu-latest", "go": 1}]},
        ),
        (
            '"${{ matrix.machine.runner }}"',
            "{machine: [{runner: Windows-2022, name: w}, {runner: ubuntu-24.04, name: l}]}",
            {"machine": [{"runner": "ubuntu-24.04", "name": "l"}]},
        ),
        ("ubuntu-latest", "{os: [linux, windows]}", {"os": ["linux", "windows"]}),
    ],
    ids=["axis", "exclude", "include", "member", "cross-compiled"],
)
def test_legs_of_other_systems_are_left_out(runs_on: str, matrix: str, expected: dict[str, Any]) -> None:
    test, result = imported(runs_on, matrix)

    assert test["matrix"] == expected
    assert "when" not in test
    left_out = [note for note in result.notes if "left out" in note.why]
    assert bool(left_out) == (runs_on != "ubuntu-latest")


@pytest.mark.parametrize(
    ("runs_on", "matrix"),
    [
        ("windows-latest", "{go: [1]}"),
        ("[self-hosted, macOS]", "{go: [1]}"),
        (OS, "{os: [windows-latest, macos-latest]}"),
        (OS, "{include: [{os: windows-latest}]}"),
        ("\"${{ matrix.go == 1 && 'windows-latest' || 'ubuntu-latest' }}\"", "{go: [1, 2]}"),
    ],
    ids=["one", "labels", "all-values", "all-entries", "computed"],
)
def test_a_treatment_without_a_leg_for_linux_does_not_run(runs_on: str, matrix: str) -> None:
    test, result = imported(runs_on, matrix)

    assert test["when"] is False
    assert any("when: false" in note.why and "ssh" in note.todo for note in result.notes)
