"""Composite actions of the workflow's repository: their steps do in the job what they do in the action."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from cadence.cli.pipelines.import_workflow import action_reader
from cadence.importing import Imported, ImportFailure, SourceFormat, convert
from cadence.importing.github.composite import as_expression

WORKFLOW = """\
on: push
jobs:
  test:
    runs-on: ubuntu-latest
    strategy: {matrix: {python: ["3.12", "3.13"]}}
    outputs: {wheel: "${{ steps.set-up.outputs.wheel }}"}
    steps:
      - uses: actions/checkout@v4
      - uses: ./.github/actions/set-up
        id: set-up
        if: github.ref == 'refs/heads/main'
        env: {LEVEL: high}
        with: {version: "${{ matrix.python }}", name: "it's ${{ matrix.python }}"}
      - run: echo "made ${{ steps.set-up.outputs.wheel }}"
"""
SET_UP = """\
inputs:
  version: {required: true}
  name: {default: none}
  extra: {default: "no inputs.version here"}
outputs:
  wheel: {value: "${{ steps.build.outputs.file }}"}
runs:
  using: composite
  steps:
    - run: echo "${{ inputs.extra }} ${{ inputs.name }} in ${{ github.action_path }}"
      shell: bash
    - id: build
      if: inputs.version != '3.12'
      run: echo "file=w-${{ inputs.version }}.whl" >> "$GITHUB_OUTPUT"
      shell: bash
    - uses: ./.github/actions/inner
      with: {what: "${{ steps.build.outputs.file }}"}
"""
INNER = """\
inputs: {what: {}}
runs: {using: composite, steps: [{name: check, run: 'test -n "${{ inputs.what }}"', shell: sh}]}
"""


def imported(workflow: str = WORKFLOW, **actions: str) -> tuple[dict[str, Any], Imported]:
    found = {f"./.github/actions/{name.replace('_', '-')}": text for name, text in actions.items()}
    result = convert(workflow, SourceFormat.GITHUB, read_action=found.get)
    assert result.valid, (result.document, result.findings)
    return yaml.safe_load(result.document)["treatments"]["test"], result


def test_steps_of_an_action_take_its_inputs_and_the_condition_of_the_step() -> None:
    body, result = imported(set_up=SET_UP, inner=INNER)
    steps = {step["name"]: step for step in body["steps"]}

    said, built = list(steps.values())[:2]
    on_main = '(has(event.ref) ? event.ref : "") == "refs/heads/main"'
    assert said["when"] == f"${{{{ {on_main} }}}}"
    assert built["when"] == f'${{{{ {on_main} && matrix.python != "3.12" }}}}'
    assert said["run"] == 'echo "no inputs.version here ${FORMAT_IT_S_0_MATRIX_PYTHON} in .github/actions/set-up"\n'
    assert body["env"] == {"FORMAT_IT_S_0_MATRIX_PYTHON": '${{ "it\'s " + string(matrix.python) }}'}
    assert said["env"]["LEVEL"] == "high"
    assert "CADENCE_MATRIX_python" in built["run"]
    assert "step_output set-up-build file" in steps["check"]["run"]
    made, outputs = body["steps"][-2:]
    assert 'echo "made $(step_output set-up-build file)"' in made["run"]
    assert 'echo "$(step_output set-up-build file)" > "$CADENCE_OUT_wheel"' in outputs["run"]
    assert not [note for note in result.notes if "uses:" in note.what]


def test_an_action_that_is_not_there_or_no_composite_one_is_reported() -> None:
    for action in ("runs: {using: node20, main: index.js}", "- not a mapping", "runs: [", ""):
        _, result = imported(set_up=action)
        assert any("uses: ./.github/actions/set-up" in note.what for note in result.notes)


def test_actions_that_use_themselves_come_to_an_end() -> None:
    loop = "runs: {using: composite, steps: [{uses: ./.github/actions/set-up}]}"
    _, result = imported(set_up=loop)
    assert any("uses: ./.github/actions/set-up" in note.what for note in result.notes)

    many = f"runs: {{using: composite, steps: [{', '.join(['{uses: ./.github/actions/set-up}'] * 3)}]}}"
    with pytest.raises(ImportFailure, match="more than 500 steps"):
        imported(set_up=many)


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("it's", "'it''s'"),
        ("", "''"),
        (" ${{ a.b }} ", "(a.b)"),
        ("v${{ a.b }}-${{ c }}", "format('v{0}-{1}', a.b, c)"),
        ("{${{ a.b }}}", None),
    ],
)
def test_a_text_becomes_the_inside_of_an_expression(text: str, expression: str | None) -> None:
    assert as_expression(text) == expression


def test_actions_are_read_in_the_repository_of_the_file_only(tmp_path: Path) -> None:
    root = tmp_path / "site"
    for folder in (root / ".github" / "actions" / "a", root / ".github" / "workflows", tmp_path / "other"):
        folder.mkdir(parents=True)
        (folder / "action.yml").write_text(folder.name)
    (root / ".github" / "actions" / "link").symlink_to(tmp_path / "other")
    read = action_reader(root / ".github" / "workflows" / "ci.yml")

    assert read("./.github/actions/a") == "a"
    assert read("./.github/actions/none") is None
    assert read("./../other") is read("./.github/actions/link") is None
    assert action_reader(None)("./.github/actions/a") is None


def test_what_cannot_be_read_is_no_action(tmp_path: Path) -> None:
    (tmp_path / ".github").mkdir()
    (tmp_path / "circle").symlink_to("circle")
    read = action_reader(tmp_path / ".github" / "ci.yml")

    assert read("./circle") is None
    assert read("./" + "a" * 300) is None


def _with_actions(actions: dict[str, Any], steps: list[dict[str, Any]]) -> Imported:
    texts = {f"./{name}": json.dumps(action) for name, action in actions.items()}
    workflow = {"on": "push", "jobs": {"test": {"runs-on": "ubuntu-latest", "steps": steps}}}
    return convert(json.dumps(workflow), SourceFormat.GITHUB, read_action=texts.get)


def test_actions_without_steps_are_counted_too() -> None:
    actions = {
        f"a{number}": {"runs": {"using": "composite", "steps": [{"uses": f"./a{number + 1}"}] * 60 * (number < 8)}}
        for number in range(9)
    }

    with pytest.raises(ImportFailure, match="more than 1,000 times"):
        _with_actions(actions, [{"uses": "./a0"}])


def test_values_do_not_grow_without_end_in_actions_that_use_each_other() -> None:
    inner = {"uses": "./a", "with": {"x": "${{ inputs.x }}" * 12}}
    action = {"inputs": {"x": {"default": "v"}}, "runs": {"using": "composite", "steps": [inner]}}

    with pytest.raises(ImportFailure, match="more than 2,000,000 characters"):
        _with_actions({"a": action}, [{"uses": "./a"}])


def test_values_do_not_grow_without_end_from_output_to_output() -> None:
    action = {
        "inputs": {"x": {"default": "v"}},
        "outputs": {"o": {"value": "${{ inputs.x }}" * 3}},
        "runs": {"using": "composite", "steps": [{"run": "true"}]},
    }
    steps = [
        {"uses": "./a", "id": f"s{number}", "with": {"x": f"${{{{ steps.s{number - 1}.outputs.o }}}}"}}
        for number in range(40)
    ]

    with pytest.raises(ImportFailure, match="more than 2,000,000 characters"):
        _with_actions({"a": action}, steps)


def test_each_action_is_read_once() -> None:
    read: list[str] = []

    def read_action(path: str) -> str:
        read.append(path)
        return "runs: {using: composite, steps: [{run: make}]}"

    workflow = "on: push\njobs: {test: {runs-on: ubuntu-latest, steps: [{uses: ./a}, {uses: ./a}]}}"
    imported = convert(workflow, SourceFormat.GITHUB, read_action=read_action)

    assert read == ["./a"]
    assert imported.document.count("name: make") + imported.document.count("make (2)") == 2
