"""What an import gives can be started by hand: no value is empty where that would refuse the run."""

from typing import Any

import pytest
import yaml

from cadence.domain.pipelines.document import validate
from cadence.importing import Imported, convert
from cadence.importing.shared.trial_start import refusals_of_start

GITLAB = "test:\n  script: [make]\n  %s\n"
GITHUB = """\
on:
  workflow_dispatch: {inputs: {image: {type: string}, key: {type: string}}}
%s
jobs:
  test:
    runs-on: ubuntu-latest
    %s
    steps: [{uses: actions/cache@v4, with: {path: x, key: "%s"}}, {run: make}]
"""


def imported(text: str) -> tuple[Imported, dict[str, Any]]:
    result = convert(text)
    pipeline = validate(result.document).pipeline
    assert pipeline is not None, result.findings
    assert refusals_of_start(pipeline) == ()
    return result, yaml.safe_load(result.document)


@pytest.mark.parametrize(
    ("setting", "key", "expected"),
    [
        (
            "cache: {key: $CI_COMMIT_REF_SLUG, paths: [x]}",
            "cache",
            {"key": '${{ has(event.branch) ? event.branch : "none" }}', "paths": ["x"]},
        ),
        (
            "cache: {key: {files: [a, b], prefix: p}, paths: [x], fallback_keys: [x-$CI_COMMIT_BRANCH, main]}",
            "cache",
            {
                "key": "p",
                "files": ["a", "b"],
                "paths": ["x"],
                "restore": ['x-${{ has(event.branch) ? event.branch : "none" }}', "main"],
            },
        ),
        ("image: app:$CI_COMMIT_SHA", "image", 'app:${{ has(event.commit) ? event.commit : "latest" }}'),
        ("environment: $CI_COMMIT_BRANCH", "environment", '${{ has(event.branch) ? event.branch : "none" }}'),
        (
            "services: [{name: 'db:$CI_COMMIT_BRANCH', variables: {B: $CI_COMMIT_BRANCH}}]",
            "services",
            {
                "db": {
                    "image": 'db:${{ has(event.branch) ? event.branch : "latest" }}',
                    "env": {"B": '${{ has(event.branch) ? event.branch : "" }}'},
                }
            },
        ),
    ],
    ids=["cache", "files", "image", "environment", "service"],
)
def test_a_run_without_branch_and_commit_has_another_value(setting: str, key: str, expected: object) -> None:
    _, document = imported(GITLAB % setting)

    assert document["treatments"]["test"][key] == expected
    assert "when" not in document["treatments"]["test"]


def test_a_group_and_a_parameter_that_may_be_empty_have_another_value() -> None:
    text = GITHUB % ("concurrency: '${{ github.ref }}'", "timeout-minutes: 5", "${{ inputs.key }}")
    _, document = imported(text)

    assert '${{ has(event.ref) ? event.ref : "none" }}' in str(document["concurrency"])
    key = document["treatments"]["test"]["cache"][0]["key"]
    assert key == '${{ parameters.key != "" ? parameters.key : "none" }}'


def test_a_treatment_whose_image_would_be_empty_does_not_run_and_is_reported() -> None:
    result, document = imported(GITHUB % ("", "container: '${{ inputs.image }}'", "k"))

    assert document["treatments"]["test"]["when"] is False
    assert "image" not in document["treatments"]["test"]
    assert any(note.what == "test: image" and "values of this run" in note.why for note in result.notes)


def test_a_value_that_only_some_entries_of_a_matrix_have_is_empty_elsewhere() -> None:
    matrix = "strategy: {matrix: {os: [a, b], include: [{os: a, arm: 7, latest: true}]}}"
    steps = "steps: [{if: matrix.latest, run: make}, {run: make more, env: {ARM: '${{ matrix.arm }}'}}]"
    _, document = imported(f"on: push\njobs:\n  test:\n    runs-on: ubuntu-latest\n    {matrix}\n    {steps}\n")

    test = document["treatments"]["test"]
    assert "when" not in test
    assert test["steps"][0]["when"].startswith("${{ has(matrix.latest) && ")
    assert test["steps"][1]["env"] == {"ARM": '${{ has(matrix.arm) ? matrix.arm : "" }}'}


def test_a_workflow_that_calls_another_of_the_same_name_keeps_its_other_jobs() -> None:
    text = "name: build\non: push\njobs:\n  call: {uses: ./.github/workflows/build.yml}\n"
    _, document = imported(f"{text}  test: {{runs-on: ubuntu-latest, steps: [{{run: make}}]}}\n")

    assert document["treatments"]["call"]["when"] is False
    assert document["treatments"]["test"]["run"] == "make\n"


def test_a_workflow_may_be_named_as_one_of_another_repository_that_it_calls() -> None:
    text = "name: build\non: push\njobs:\n  call: {uses: acme/meta/.github/workflows/build.yml@main}\n"
    result, document = imported(text)

    assert document["treatments"]["call"]["trigger"] == {"pipeline": "acme-build", "wait": True}
    assert any("store it as the pipeline acme-build" in note.todo for note in result.notes)


def test_a_text_that_is_read_as_json_has_an_example_that_is_json() -> None:
    result = convert("""\
on: {workflow_call: {inputs: {plan: {type: string, required: true}}}}
jobs:
  publish:
    if: fromJSON(inputs.plan).publish
    env: {TAG: "${{ fromJSON(inputs.plan).tag }}"}
    runs-on: ubuntu-latest
    steps: [{run: ./publish "$TAG"}]
""")

    assert "when: false" not in result.document
    assert not any("would not be valid" in note.why for note in result.notes)
