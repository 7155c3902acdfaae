"""Every file of other systems that is kept here becomes a valid pipeline, and what it loses is in the report."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cadence.domain.pipelines.document import Severity, validate
from cadence.domain.pipelines.document.syntax.yaml_text import read_yaml
from cadence.importing import Imported, ImportFailure, Scales, SourceFormat, convert, guess
from cadence.importing.shared.trial_start import refusals_of_start
from cadence.importing.shared.yaml_source import MAX_YAML_BYTES
from cadence.importing.shared.yaml_writer import yaml_text

HERE = Path(__file__).parent
YAML = ("bitbucket", "github", "gitlab", "woodpecker")
FILES = sorted([*(path for kind in YAML for path in HERE.glob(f"{kind}/*.yml")), *HERE.glob("wfcommons/*.json")])


def imported(name: str, scales: Scales | None = None) -> Imported:
    path = HERE / name
    return convert(path.read_text(), scales=scales, name=path.stem)


def document(name: str) -> dict[str, Any]:
    return dict(read_yaml(imported(name).document).data)


def scripts(treatment: Any) -> list[tuple[str, str]]:
    """The names and scripts of the steps of a treatment; its script is a step without a name."""
    steps = [(step["name"], step["run"]) for step in treatment.get("steps", ())]
    return [*steps, *([("", treatment["run"])] if "run" in treatment else [])]


def script(treatment: Any) -> str:
    return "\n".join(run for _, run in scripts(treatment))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_is_recognised_valid_and_can_be_started(path: Path) -> None:
    result = convert(path.read_text(), name=path.stem)

    assert result.kind == path.parent.name
    assert [finding for finding in result.findings if finding.severity is Severity.ERROR] == []
    pipeline = validate(result.document).pipeline
    assert pipeline is not None
    assert refusals_of_start(pipeline) == ()


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_note_has_a_line_of_the_file_and_says_why_and_what_to_do(path: Path) -> None:
    lines = path.read_text().count("\n") + 1

    for note in convert(path.read_text(), name=path.stem).notes:
        assert 0 <= note.line <= lines
        assert note.what and note.why.endswith(".") and note.todo.endswith(".")


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_other_readers_of_yaml_read_the_same_scripts(path: Path) -> None:
    text = convert(path.read_text(), name=path.stem).document
    ours = read_yaml(text).data["treatments"]

    assert {name: scripts(body) for name, body in yaml.safe_load(text)["treatments"].items()} == {
        name: scripts(body) for name, body in ours.items()
    }


def test_there_are_many_files_of_each_kind() -> None:
    counts = {kind: sum(path.parent.name == kind for path in FILES) for kind in SourceFormat}
    assert min(counts.values()) >= 15, counts


def test_a_github_matrix_job_becomes_a_matrix_with_image_cache_and_artifact() -> None:
    test = document("github/python-package.yml")["treatments"]["test"]

    assert test["matrix"] == {
        "python_version": ["3.11", "3.12", "3.13"],
        "include": [{"python_version": "3.13", "coverage": True}],
        "exclude": [{"python_version": "3.11"}],
        "fail_fast": False,
        "max_parallel": 3,
    }
    assert test["image"] == "python:${{ matrix.python_version }}"
    assert test["cache"] == [
        {
            "key": "Linux-pip",
            "files": ["requirements.txt", "setup.cfg"],
            "paths": [".cache/pip", ".tox"],
            "restore": ["Linux-pip-"],
        }
    ]
    assert test["outputs"] == {"reports": {"type": "Stream<byte>", "path": "reports/"}}


def test_a_github_job_gets_artifacts_secrets_and_conditions() -> None:
    converted = document("github/python-package.yml")
    publish = converted["treatments"]["publish"]

    assert converted["connections"] == ["build.dist -> publish.dist"]
    assert publish["inputs"] == {"dist": {"type": "Stream<byte>", "path": "dist/"}}
    assert publish["when"] == ('${{ (has(event.ref) ? event.ref : "") == "refs/heads/main" && event.kind == "push" }}')
    assert publish["secrets"] == {"TWINE_PASSWORD": "PYPI_TOKEN"}
    assert publish["environment"] == "pypi"


def test_outputs_of_github_jobs_are_ports() -> None:
    converted = document("github/outputs-between-jobs.yml")

    assert converted["treatments"]["prepare"]["outputs"] == {"tag": "Block<string>", "changed": "Block<string>"}
    assert converted["connections"] == ["prepare.tag -> build.prepare_tag"]
    assert 'export TAG="$(cat "$CADENCE_IN_prepare_tag")"' in script(converted["treatments"]["build"])
    assert converted["parameters"]["dry_run"] == {"type": "bool", "default": True}


def test_a_job_that_runs_always_sees_what_it_needs_end_in_whatever_way() -> None:
    clean_up = document("github/schedule-and-always.yml")["treatments"]["clean-up"]

    assert "after" not in clean_up
    assert clean_up["when"] == '${{ treatments["audit"].state != "" }}'


def test_jobs_that_may_fail_become_treatments_that_fail_softly() -> None:
    github = """
on: push
jobs:
  always: {runs-on: ubuntu-latest, continue-on-error: true, steps: [{run: a}]}
  never: {runs-on: ubuntu-latest, continue-on-error: false, steps: [{run: a}]}
  by-value:
    runs-on: ubuntu-latest
    strategy: {matrix: {python: ["3.14", "3.15"], include: [{python: "3.15", experimental: true}]}}
    continue-on-error: ${{ matrix.experimental }}
    steps: [{run: a}]
"""
    gitlab = """
always: {script: [a], allow_failure: true}
never: {script: [a], allow_failure: false}
codes: {script: [a], allow_failure: {exit_codes: [137, 255]}}
code: {script: [a], allow_failure: {exit_codes: 137}}
"""
    found = read_yaml(convert(github, name="a").document).data["treatments"]
    assert {name: body.get("soft_fail") for name, body in found.items()} == {
        "always": True,
        "never": None,
        "by-value": '${{ has(matrix.experimental) && matrix.experimental != "" && matrix.experimental != false '
        "&& matrix.experimental != 0 && matrix.experimental != null }}",
    }
    found = read_yaml(convert(gitlab, name="a").document).data["treatments"]
    assert {name: body.get("soft_fail") for name, body in found.items()} == {
        "always": True,
        "never": None,
        "codes": {"exit_codes": [137, 255]},
        "code": {"exit_codes": [137]},
    }


def test_the_summary_of_a_job_is_the_summary_of_its_treatment() -> None:
    workflow = """
on: push
jobs:
  cover: {runs-on: ubuntu-latest, steps: [{run: echo "90 %" >> "$GITHUB_STEP_SUMMARY"}]}
  plain: {runs-on: ubuntu-latest, steps: [{run: make}]}
"""
    found = convert(workflow, name="a")
    treatments = read_yaml(found.document).data["treatments"]
    assert treatments["cover"]["run"].startswith('export GITHUB_STEP_SUMMARY="$CADENCE_SUMMARY"\n')
    assert "SUMMARY" not in treatments["plain"]["run"]
    assert not any("SUMMARY" in note.what for note in found.notes)


def test_a_health_check_is_taken_from_the_options_of_a_service() -> None:
    postgres = document("github/services-and-container.yml")["treatments"]["integration"]["services"]["postgres"]

    assert postgres["health"] == {"command": ["sh", "-c", "pg_isready"], "interval": 10, "timeout": 50}
    assert postgres["ports"] == [5432]


def test_what_a_script_cannot_have_stops_it_with_a_message() -> None:
    run = script(document("github/expressions.yml")["treatments"]["all"])

    assert "${GITHUB_RUN_NUMBER:?github.run_number was not carried over}" in run
    assert "if false; then # was: hashFiles('x') != ''" in run


def test_gitlab_stages_order_jobs_and_pass_artifacts() -> None:
    converted = document("gitlab/python.yml")
    treatments = converted["treatments"]

    assert treatments["unit"]["after"] == treatments["slow"]["after"] == ["ruff"]
    assert treatments["wheel"]["after"] == ["unit", "ruff"]
    assert treatments["unit"]["matrix"] == {
        "python": ["3.11", "3.12"],
        "db": ["sqlite", "postgres"],
        "fail_fast": False,
    }
    assert "wheel.dist_whl -> upload.wheel_dist_whl" in converted["connections"]
    assert treatments["upload"]["inputs"]["wheel_dist_whl"] == {"type": "Stream<byte>", "path": "dist/"}


def test_gitlab_merges_what_jobs_extend_and_refer_to() -> None:
    extended = document("gitlab/include-and-extends.yml")["treatments"]["job"]
    referred = document("gitlab/references.yml")["treatments"]["test"]

    assert extended["env"] == {"A": "1", "B": "middle", "C": "mine"}
    assert extended["image"] == "alpine:3.20"
    assert "apk add make\necho $A $B $C" in extended["run"]
    assert "echo set up\necho more\nmake test" in referred["run"]
    assert "echo bye" in referred["run"]


def test_gitlab_rules_are_taken_in_order_and_never_let_a_job_run_that_may_not() -> None:
    treatments = document("gitlab/rules-workflow.yml")["treatments"]

    assert treatments["one"]["when"] == (
        '${{ (has(event.branch) ? event.branch : "") == "main" && (event.kind == "push" || event.kind == "schedule") }}'
    )
    assert treatments["two"]["when"] is False
    assert treatments["three"]["when"] is False
    assert "parameters.run_four" in treatments["four"]["when"]


def test_a_job_for_failures_waits_for_every_outcome() -> None:
    alarm = document("gitlab/on-failure.yml")["treatments"]["alarm"]

    assert alarm["when"] == (
        '${{ treatments["test"].state in ["failed", "lost", "timed_out"] || treatments["lint"].state in ["failed", "lost", "timed_out"] }}'
    )
    assert "after" not in alarm


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 0, "nothing in this document"),
        ("a: [", 1, "not YAML"),
        ("- a\n", 1, "not a mapping"),
        ("a: 1\nb: 2\n", 0, "neither"),
        ("jobs:\n  a: {needs: b}\n  b: {needs: a}\n", 2, "circle"),
        ("a: {stage: test, script: x, needs: [b]}\nb: {stage: test, script: x, needs: [a]}\n", 1, "circle"),
        ("a: {extends: a, script: x}\n", 1, "extends itself"),
        ('{\n "schemaVersion": "1.3"}', 2, "1.3"),
        ('{\n "schemaVersion": "1.5",\n "workflow": 3}', 3, "workflow"),
        ('{"schemaVersion": "1.5",\n', 2, "not JSON"),
        ('{"schemaVersion": "1.5", "workflow": {"specification": {"tasks": [\n{"name": "x"}]}}}', 2, "no “id”"),
        ("a: &a [*a]\njobs: {x: 1}", 1, "parts"),
        ("a: !!python/object:x {script: y}\n" * 2, 0, ""),
    ],
)
def test_what_cannot_be_imported_is_told_with_its_line(text: str, line: int, words: str) -> None:
    if not words:
        assert convert(text).valid
        return
    with pytest.raises(ImportFailure, match=words) as failure:
        convert(text)
    if line:
        assert failure.value.line == line


def test_large_files_end_in_a_message() -> None:
    with pytest.raises(ImportFailure, match="characters"):
        convert("jobs:\n" + "  a: {runs-on: x}\n" * (MAX_YAML_BYTES // 10))
    with pytest.raises(ImportFailure, match="characters"):
        convert('{"schemaVersion": "1.5", "x": "' + "y" * 20_000_000 + '"}', SourceFormat.WFCOMMONS)


@given(
    st.dictionaries(
        st.from_regex(r"[a-zA-Z_.$-]{1,8}", fullmatch=True),
        st.recursive(
            st.text()
            | st.integers()
            | st.booleans()
            | st.none()
            | st.sampled_from(["on", "null", "1e3", "a: b", "x #y", "a\n b\n", " c\nd"]),
            lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
            max_leaves=12,
        ),
        min_size=1,
        max_size=5,
    )
)
def test_whatever_is_written_reads_back_equal(data: dict[str, Any]) -> None:
    usable = json.loads(json.dumps(data).replace("\\u0000", ""))
    text = yaml_text(usable, {(): ["a comment"], (next(iter(usable)),): ["two\nlines"]})

    reading = read_yaml(text)

    assert reading.misreadings == ()
    assert reading.data == usable


@given(st.text(max_size=300) | st.binary(max_size=200).map(lambda data: data.decode("latin-1")))
def test_no_text_makes_it_fall_over(text: str) -> None:
    for kind in (None, *SourceFormat):
        with suppress(ImportFailure):
            convert(text, kind)


JSONISH = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 300) | st.text(max_size=8)
    | st.sampled_from(["a", "b", "${{ matrix.x }}", "${{ needs.a.outputs.b }}", "${{", "always()", "$CI_COMMIT_SHA", "main", "actions/checkout@v4", "x/y@v1"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["needs", "if", "run", "uses", "with", "steps", "strategy", "matrix", "include", "env", "services", "image", "name", "script",
             "rules", "variables", "artifacts", "paths", "cache", "key", "when", "stage", "parallel", "environment", "outputs", "runs-on",
             "a", "b", "x", "on", "push", "timeout", "timeout-minutes", "retry", "trigger", "extends", "only", "except", "container", "concurrency"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=25,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["a", "b", "c d"]), JSONISH, min_size=1, max_size=3), st.booleans(), JSONISH)
def test_no_shape_of_a_workflow_makes_it_fall_over(jobs: dict[str, Any], github: bool, other: Any) -> None:
    data = (
        {"jobs": jobs, "on": other, "env": other, "concurrency": other}
        if github
        else {**jobs, "variables": other, "include": other}
    )
    with suppress(ImportFailure):
        convert(json.dumps(data), SourceFormat.GITHUB if github else SourceFormat.GITLAB)


def test_events_that_programs_send_to_github_are_those_of_a_webhook() -> None:
    result = convert("""\
on: {repository_dispatch: {types: [bench, stop]}}
jobs:
  bench:
    if: github.event.action == 'bench'
    runs-on: ubuntu-latest
    steps: [{run: "./bench ${{ github.event.client_payload.number }}"}]
""")
    document = yaml.safe_load(result.document)

    assert document[True] == {
        "webhook": [{"source": "repository-dispatch", "types": ["bench", "stop"]}]
    }  # YAML 1.1's `on`
    assert document["treatments"]["bench"]["when"] == '${{ (has(event.type) ? event.type : "") == "bench" }}'
    assert any("githost create repository-dispatch" in note.todo for note in result.notes)


def test_a_pattern_of_gitlab_without_an_end_is_told() -> None:
    result = convert("test: {script: [make], only: [/release]}", SourceFormat.GITLAB)

    assert "when: false" in result.document
    assert any("has no / at its end" in note.why for note in result.notes)


def test_a_guess_is_made_from_the_content() -> None:
    assert guess("jobs: {a: {}}") is SourceFormat.GITHUB
    assert guess("build: {script: make}") is SourceFormat.GITLAB
    assert guess('{"schemaVersion": "1.5"}') is SourceFormat.WFCOMMONS


def test_a_workflow_keeps_its_order_its_files_and_its_times() -> None:
    result = imported("wfcommons/diamond.json", Scales(time=0.5, size=0.1))
    pipeline = validate(result.document).pipeline
    assert pipeline is not None

    assert {name: set(treatment.after) for name, treatment in pipeline.treatments.items()} == {
        "split": {"stage-in"},
        "left": {"split"},
        "right": {"split"},
        "merge": {"left", "right"},
        "stage-in": set(),
    }
    assert {str(connection) for connection in pipeline.connections} == {
        "stage-in.input_txt -> split.input_txt",
        "split.part_1 -> left.part_1",
        "split.part_2 -> right.part_2",
        "left.left_txt -> merge.left_txt",
        "right.right_txt -> merge.right_txt",
    }
    assert "sleep 2.000" in pipeline.treatments["split"].body["run"]
    assert 'head -c 50 /dev/zero > "$CADENCE_OUT_part_1"' in pipeline.treatments["split"].body["run"]
    assert [pipeline.treatments["split"].body[key] for key in ("cpu", "memory")] == [2000, 64]


def test_a_workflow_can_keep_its_commands() -> None:
    result = imported("wfcommons/diamond.json", Scales(commands=True))
    split = read_yaml(result.document).data["treatments"]["split"]

    assert split["run"] == "split -n 2 'in put.txt'\n"
    assert split["outputs"]["part_1"] == {"type": "Stream<byte>", "path": "part/1"}


def test_types_of_pull_requests_and_releases_become_those_of_cadence() -> None:
    workflow = """\
on:
  pull_request: {types: [opened, synchronize, labeled, ready_for_review]}
  release: {types: [published, edited]}
jobs:
  test:
    if: github.event.label.name == 'e2e' || github.event_name == 'release'
    runs-on: ubuntu-latest
    steps: [{run: make test}]
"""
    result = convert(workflow, name="types")
    data = read_yaml(result.document).data

    assert data["on"] == {"pull_request": {"types": ["opened", "updated", "labelled"]}, "release": {}}
    assert "event.label" in data["treatments"]["test"]["when"]
    assert sorted(note.what for note in result.notes if note.what.startswith("on.")) == [
        "on.pull_request.types: ready_for_review",
        "on.release.types: edited",
    ]
    assert [finding for finding in result.findings if finding.severity is Severity.ERROR] == []
