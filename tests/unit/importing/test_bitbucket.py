"""Files of Bitbucket Pipelines: order, conditions, artifacts and scripts keep their meaning."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadence.domain.pipelines.document.syntax.yaml_text import read_yaml
from cadence.importing import Imported, ImportFailure, SourceFormat, convert, guess

HERE = Path(__file__).parent / "bitbucket"


def imported(name: str) -> tuple[dict[str, Any], Imported]:
    return read((HERE / f"{name}.yml").read_text(encoding="utf-8"))


def read(text: str) -> tuple[dict[str, Any], Imported]:
    result = convert(text)
    assert result.valid, (result.document, result.findings)
    return dict(read_yaml(result.document).data), result


def notes(result: Imported) -> list[str]:
    return [note.what for note in result.notes]


def test_a_file_is_recognised_by_its_pipelines() -> None:
    assert guess("pipelines: {default: [{step: {script: [make]}}]}") is SourceFormat.BITBUCKET


def test_steps_run_in_order_and_those_in_parallel_at_once() -> None:
    document, _ = imported("node-site")
    treatments = document["treatments"]

    assert {name: body.get("after") for name, body in treatments.items()} == {
        "install-and-build": None,
        "unit-tests": ["install-and-build"],
        "check-links": ["install-and-build"],
        "summary": ["unit-tests", "check-links"],
    }
    assert document["on"] == {"push": {"branches": ["**"]}}
    assert treatments["summary"]["inputs"] == {
        "install_and_build_build": {"type": "Stream<byte>", "path": "build/"},
        "unit_tests_reports_xml": {"type": "Stream<byte>", "path": "reports/"},
    }
    assert document["defaults"] == {"max_duration": 7200, "env": {"CI": "true"}}


def test_what_is_no_step_is_reported_and_steps_of_a_stage_may_be_parallel() -> None:
    document, result = read(
        """
        pipelines:
          default:
            - stage:
                deployment: test
                trigger: manual
                steps:
                  - parallel: [{step: {name: a, script: [a]}}, {step: {name: b, script: [b]}}, {other: {}}]
                  - step: {name: c, script: [c]}
                  - odd: {}
        """
    )

    assert {name: body.get("after") for name, body in document["treatments"].items()} == {
        "a": None, "b": None, "c": ["a", "b"],
    }  # fmt: skip
    assert {body["environment"] for body in document["treatments"].values()} == {"test"}
    assert {"default: other", "default: odd"} <= set(notes(result))


def test_the_most_specific_branch_decides_and_the_default_takes_the_others() -> None:
    document, _ = imported("branches-and-anchors")
    treatments, branch = document["treatments"], '(has(event.branch) ? event.branch : "")'

    assert f'!({branch} in ["main", "release/long-term"] || {branch}.matches(' in treatments["checks"]["when"]
    assert f'&& !({branch} == "release/long-term")' in treatments["hotfix-release-checks"]["when"]
    assert treatments["audit"]["when"].endswith(f'{branch} == "release/long-term" }}}}')
    assert "when" not in treatments["release-to-staging"]
    assert treatments["release-to-staging"]["after"] == ["main-checks"]


def test_a_manual_step_waits_for_approvals_of_its_environment() -> None:
    document, result = imported("branches-and-anchors")

    assert document["treatments"]["release"]["environment"] == "production"
    assert any("cadence environment create production --approvals 1" in note.todo for note in result.notes)


def test_a_step_that_its_condition_skips_does_not_hold_up_the_next_one() -> None:
    document, result = imported("monorepo")
    package = document["treatments"]["package"]

    assert "after" not in package
    assert package["when"] == (
        '${{ treatments["front-end"].state in ["succeeded", "skipped"] && '
        'treatments["back-end"].state in ["succeeded", "skipped", "failed"] }}'
    )
    assert document["treatments"]["publish"]["when"] is False
    assert "Publish: condition: state" in notes(result)


def test_paths_of_changesets_are_conditions_on_the_changed_files() -> None:
    document, _ = imported("pull-requests")

    when = document["treatments"]["review"]["when"]
    assert document["on"] == {"pull_request": {}}
    assert 'event.kind == "pull_request"' in when
    assert '.exists(file, (file == "go.mod" || file.matches("^cmd/.*$") || file.matches("^internal/.*$")) && ' in when
    assert '!(file.matches("^(.*/)?[^/]*\\\\.md$"))' in when


def test_a_custom_pipeline_is_chosen_by_a_parameter_and_its_variables_are_parameters() -> None:
    document, _ = imported("custom-with-variables")
    treatments = document["treatments"]

    assert "on" not in document
    assert document["parameters"]["pipeline"]["default"] == ""
    assert document["parameters"]["target"] == {
        "type": "string", "default": "staging", "description": "Where to (one of: staging, production)",
    }  # fmt: skip
    assert treatments["plan"]["when"] == '${{ parameters.pipeline == "plan" }}'
    assert treatments["plan"]["env"] == {
        "TARGET": "${{ parameters.target }}", "pipeline": "${{ parameters.pipeline_2 }}",
    }  # fmt: skip
    assert treatments["destroy"]["environment"] == "destroy"


def test_variables_of_one_name_with_two_defaults_are_two_parameters() -> None:
    document, _ = read(
        """
        pipelines:
          custom:
            a: [{variables: [{name: LEVEL, default: low}]}, {step: {name: one, script: [make]}}]
            b: [{variables: [{name: LEVEL, default: high}]}, {step: {name: two, script: [make]}}]
        """
    )

    assert document["parameters"]["level"]["default"] == "low"
    assert document["parameters"]["level_2"]["default"] == "high"
    assert document["treatments"]["two"]["env"] == {"LEVEL": "${{ parameters.level_2 }}"}


def test_a_default_that_begins_an_expression_is_reported() -> None:
    document, result = read(
        "pipelines: {custom: {plan: [{variables: [{name: A, default: '${{ x'}]}, {step: {script: [echo $A]}}]}}"
    )

    assert document["parameters"]["a"]["default"] == ""
    assert notes(result) == ["custom.plan: the default of A"]


def test_a_pipe_stops_the_script_and_the_report_names_its_line() -> None:
    document, result = imported("pipes")
    script, after = document["treatments"]["site"]["steps"]

    assert "echo 'atlassian/aws-s3-deploy:1.1.0 was not carried over' >&2; exit 1" in script["run"]
    assert script["run"].startswith('trap \'echo "BITBUCKET_EXIT_CODE=$?"')
    assert (after["always"], after["soft_fail"]) == (True, True)
    assert (10, "Site: pipe: atlassian/aws-s3-deploy:1.1.0") in [(note.line, note.what) for note in result.notes]


def test_a_script_stops_without_the_variables_of_the_settings() -> None:
    document, result = imported("variables")
    everything = document["treatments"]["everything"]

    lines = everything["run"].splitlines()
    assert ': "${API_TOKEN:?API_TOKEN was not carried over}"' in lines
    assert not any(line.startswith((': "${PART', ': "${NAME', ': "${STAGE', ': "${FIRST')) for line in lines)
    assert 'export BITBUCKET_CLONE_DIR="$PWD"' in lines
    assert everything["retry"] == {"failure": 2}
    assert "Everything: $API_TOKEN" in notes(result)


def test_a_later_artifact_replaces_an_earlier_one_and_those_side_by_side_are_unpacked_together() -> None:
    document, _ = read(
        """
        pipelines:
          default:
            - parallel:
                - step: {name: a, script: [make a], artifacts: [out/**]}
                - step: {name: b, script: [make b], artifacts: [out/**]}
            - step: {name: c, script: [make c]}
            - step: {name: d, script: [make d], artifacts: [out/**]}
            - step: {name: e, script: [make e]}
        """
    )

    assert document["connections"] == [
        "a.out -> c.a_out", "b.out -> c.b_out", "a.out -> d.a_out", "b.out -> d.b_out", "d.out -> e.d_out",
    ]  # fmt: skip
    assert document["treatments"]["c"]["inputs"]["b_out"] == {"type": "Stream<byte>"}
    assert "tar -xf \"$CADENCE_IN_b_out\" -C 'out/'" in document["treatments"]["c"]["run"]


def test_downloads_are_those_that_the_step_asks_for() -> None:
    document, _ = imported("artifacts")

    assert document["connections"] == ["three.kept -> four.three_kept"]
    assert set(document["treatments"]["three"]["outputs"]) == {"kept", "own"}


def test_other_machines_and_unknown_images_do_not_run() -> None:
    document, result = imported("self-hosted")
    treatments = document["treatments"]

    assert (treatments["linux"]["when"], treatments["windows"]["when"]) == (False, False)
    assert (treatments["arm"]["arch"], "when" in treatments["arm"]) == ("arm64", False)
    assert "Linux: image: $TEAM_IMAGE" in notes(result)


def test_services_are_hosts_and_caches_of_the_home_directory_are_in_the_working_directory() -> None:
    document, result = imported("laravel-services")
    phpunit = document["treatments"]["phpunit"]

    assert phpunit["services"]["mysql"] == {
        "image": "mysql:8.4", "env": {"MYSQL_DATABASE": "shop", "MYSQL_USER": "shop"}, "memory": 1024,
    }  # fmt: skip
    assert phpunit["cache"][0]["paths"] == [".composer/cache"]
    assert 'export HOME="$PWD"' in phpunit["steps"][0]["run"]
    assert {"PHPUnit: services: docker", "PHPUnit: services: elastic"} <= set(notes(result))


@pytest.mark.parametrize(
    ("clone", "script", "source", "begins"),
    [
        ("{depth: 1}", "make", True, "make"),
        ("{lfs: true}", "make", {"lfs": True}, "make"),
        ("{depth: full}", "make", None, "git init"),
        ("{depth: 5}", "git describe", None, "git init"),
        ("{enabled: false}", "git describe", None, "git describe"),
    ],
    ids=["depth", "lfs", "full", "git", "disabled"],
)
def test_files_are_the_source_unless_the_history_is_needed(clone: str, script: str, source: Any, begins: str) -> None:
    document, _ = read(f"clone: {clone}\npipelines: {{default: [{{step: {{name: a, script: [{script}]}}}}]}}\n")

    assert document["treatments"]["a"].get("source") == source
    assert document["treatments"]["a"]["run"].startswith(begins)


@pytest.mark.parametrize(
    ("image", "command", "shell"),
    [
        ("python:3.13", "source venv/bin/activate", "bash -e"),
        ("python:3.13", '[ "$A" == b ] || exit 1', "bash -e"),
        ("python:3.13-alpine", "source venv/bin/activate", None),
        ("python:3.13", "make resources", None),
    ],
    ids=["source", "equal", "alpine", "plain"],
)
def test_scripts_for_bash_are_run_by_bash_where_there_is_one(image: str, command: str, shell: str | None) -> None:
    step = {"name": "a", "image": image, "script": [command]}
    document, _ = read(json.dumps({"pipelines": {"default": [{"step": step}]}}))

    assert document["treatments"]["a"].get("shell") == shell


def test_a_file_without_steps_is_refused() -> None:
    with pytest.raises(ImportFailure, match="no pipelines with steps"):
        convert("pipelines: {default: []}")


LEAVES = (
    st.none() | st.booleans() | st.integers(-3, 300) | st.text(max_size=6)
    | st.sampled_from(["make", "$BITBUCKET_TAG", "${{ x }}", "node", "docker", "dist/**", "**", "{a,b}/*", "manual", "a.b/c:1", "windows"])
)  # fmt: skip
SHAPES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["name", "image", "script", "paths", "download", "upload", "key", "files", "path", "changesets", "includePaths",
                         "variables", "pipe", "strategy", "steps", "step", "enabled", "depth", "memory"]),
        inner, max_size=3,
    ),
    max_leaves=8,
)  # fmt: skip
STEPS = st.fixed_dictionaries(
    {"script": st.lists(LEAVES, max_size=2) | SHAPES},
    optional=dict.fromkeys(
        ("name", "image", "services", "caches", "artifacts", "after-script", "deployment", "trigger", "condition", "clone", "max-time",
         "runs-on", "on-fail", "size"), SHAPES,
    ),
)  # fmt: skip
ENTRIES = st.lists(
    st.builds(lambda step: {"step": step}, STEPS)
    | st.builds(lambda steps: {"parallel": [{"step": step} for step in steps]}, st.lists(STEPS, max_size=2))
    | st.builds(lambda steps, rest: {"stage": {**rest, "steps": [{"step": step} for step in steps]}},
                st.lists(STEPS, max_size=2), st.dictionaries(st.sampled_from(["deployment", "condition"]), SHAPES))
    | SHAPES,
    max_size=3,
)  # fmt: skip
PATTERNS = st.dictionaries(
    st.sampled_from(["main", "**", "a/*", "{a,b}/**", "*" * 9, "[", "!x", ""]), ENTRIES, max_size=3
)


@given(
    ENTRIES, PATTERNS, st.sampled_from(["branches", "tags", "pull-requests", "custom", "other"]),
    st.dictionaries(st.sampled_from(["image", "clone", "options", "definitions"]), SHAPES),
)  # fmt: skip
def test_no_shape_of_a_file_gives_an_invalid_document(default: Any, others: Any, kind: str, shared: Any) -> None:
    text = json.dumps({**shared, "pipelines": {"default": default, kind: others}})
    with suppress(ImportFailure):
        assert convert(text, SourceFormat.BITBUCKET).valid


@pytest.mark.parametrize("value", ["true", "0", "-5", "1.5", "soon"])
def test_a_time_limit_that_is_no_number_of_minutes_is_reported_and_left_out(value: str) -> None:
    document, result = read(
        f"options: {{max-time: {value}}}\npipelines: {{default: [{{step: {{name: a, script: [x], max-time: {value}}}}}]}}"
    )

    assert document["defaults"]["max_duration"] == 7200
    assert "max_duration" not in document["treatments"]["a"]
    assert {"options.max-time", "a: max-time"} <= set(notes(result))


def test_a_retry_and_a_memory_that_are_no_numbers_are_not_one() -> None:
    document, _ = read(
        "definitions: {services: {db: {image: 'redis:7', memory: true}}}\npipelines: {default: [{step: {name: a, "
        "script: [x], services: [db], on-fail: {strategy: retry, max-retry-count: true}}}]}"
    )

    assert document["treatments"]["a"]["services"]["db"] == {"image": "redis:7"}
    assert document["treatments"]["a"]["retry"] == {"failure": 1}
