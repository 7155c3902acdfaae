"""Hints for authors who come from other systems."""

import pytest

from cadence.domain.pipelines.document import validate

DOCUMENT = """\
cadence: 1
name: x
{document}
treatments:
  a:
    run: "true"
    {treatment}
"""


def hints(document: str = "", treatment: str = "") -> list[str | None]:
    return [finding.hint for finding in validate(DOCUMENT.format(document=document, treatment=treatment)).findings]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("needs: [b]", "Write after: [name]."),
        ("depends_on: [b]", "Write after: [name]."),
        ("script: x", "Write `run`."),
        ("timeout: 4", "Write max_duration, in seconds."),
        ("if: x", "Write `when`."),
    ],
    ids=["needs", "depends_on", "script", "timeout", "if"],
)
def test_a_key_of_another_system_is_answered_with_the_key_here(key: str, expected: str) -> None:
    assert hints(treatment=key) == [expected]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("cadence: 1\nname: x\ntreatments: {a: {script: x}}", ["Write `run`."]),
        ("version: 1\nname: x\ntreatments: {a: {run: x}}", ["Write cadence: 1, the version of this language."]),
        ("cadence: 1\nname: x\ntreatments: {a: {steps: [{name: x, commands: x}]}}", ["Write `run`."]),
        ("cadence: 1\nname: x\ntreatments: {a: {version: 3}}", ["Add run.", None]),
    ],
    ids=["script", "version", "step", "no-other-name"],
)
def test_a_key_that_stands_for_a_missing_one_has_one_finding(document: str, expected: list[str | None]) -> None:
    assert [finding.hint for finding in validate(document).findings] == expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("version: 1", "cadence: 1"),
        ("jobs: {}", "Write treatments."),
        ("stages: [a]", "`after` orders them."),
        ("on: push", "on: {push: {}}"),
        ("on: [push, pull_request]", "on: {push: {}, pull_request: {}}"),
    ],
    ids=["version", "jobs", "stages", "on-text", "on-list"],
)
def test_a_key_of_the_document_is_answered_as_well(key: str, expected: str) -> None:
    (hint,) = hints(document=key)
    assert hint is not None
    assert expected in hint


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        ("{pull_request: {types: [synchronize]}}", "Write updated."),
        ("{pull_request: {types: [labeled]}}", "Write labelled."),
        ("{pull_request: {types: [merged]}}", "event.merged"),
        ("{pull_request: {types: [edited]}}", 'Allowed: "opened"'),
        ("{pull_request: {labels: ['!wip']}}", "event.labels"),
        ("{merge_request: {}}", "Write pull_request"),
        ("{workflow_dispatch: {}}", "cadence run"),
        ("{release: {branches: [main]}}", "Known here: tags."),
    ],
    ids=["synchronize", "labeled", "merged", "edited", "excluded-label", "merge_request", "dispatch", "release"],
)
def test_an_event_of_another_system_is_answered_with_the_one_here(on: str, expected: str) -> None:
    (hint,) = hints(document=f"on: {on}")
    assert hint is not None
    assert expected in hint


@pytest.mark.parametrize("torn", ["Block<Map<string, u64>>", "Map<string, u64>"])
def test_a_type_that_yaml_tears_apart_has_one_finding(torn: str) -> None:
    (hint,) = hints(treatment=f"outputs: {{x: {torn}}}")
    assert hint is not None
    assert "put the type in quotes" in hint
    assert hints(treatment='outputs: {x: "Block<Map<u64>>"}') == []


def test_defaults_may_name_the_shell() -> None:
    checked = validate(DOCUMENT.format(document="defaults: {shell: bash -eo pipefail}", treatment=""))
    assert checked.findings == ()
    assert checked.pipeline is not None
    assert checked.pipeline.treatments["a"].body["shell"] == "bash -eo pipefail"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{paths: [src], submodules: true, lfs: true}", []),
        ("{}", [None]),
        ("{depth: 1}", ["Leave it out: the files come without history."]),
        ("{sparse: [src]}", ["Write paths: [src]."]),
        ("full", [None]),
    ],
    ids=["selection", "empty", "depth", "sparse", "text"],
)
def test_source_selects_files(source: str, expected: list[str | None]) -> None:
    assert hints(treatment=f"source: {source}") == expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("uses: actions/checkout@v4", "Write the commands in `run`; steps use no definitions."),
        ("if: always()", "Write `when`, or always: true."),
        ("continue-on-error: true", "Write soft_fail: true."),
        ("working-directory: web", "Begin the script with cd."),
    ],
    ids=["uses", "if", "continue-on-error", "working-directory"],
)
def test_a_key_of_another_systems_steps_is_answered(key: str, expected: str) -> None:
    document = f"cadence: 1\nname: x\ntreatments: {{a: {{steps: [{{name: one, run: make, {key}}}]}}}}\n"
    assert [finding.hint for finding in validate(document).findings] == [expected]
