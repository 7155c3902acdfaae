"""Workflows of Woodpecker: the workspace, conditions and variables of steps keep their meaning."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadence.domain.pipelines.document.syntax.yaml_text import read_yaml
from cadence.importing import Imported, ImportFailure, SourceFormat, convert, guess

HERE = Path(__file__).parent / "woodpecker"
TAG = '(has(event.tag) ? event.tag : "")'
PUSH = f'(event.kind == "push" && {TAG} == "")'


def imported(name: str) -> tuple[dict[str, Any], Imported]:
    return read((HERE / f"{name}.yml").read_text(encoding="utf-8"))


def read(text: str) -> tuple[dict[str, Any], Imported]:
    result = convert(text, SourceFormat.WOODPECKER)
    assert result.valid, (result.document, result.findings)
    return dict(read_yaml(result.document).data), result


def notes(result: Imported) -> list[str]:
    return [note.what for note in result.notes]


def test_a_file_is_recognised_by_the_images_of_its_steps() -> None:
    assert guess("steps: [{image: alpine, commands: [ls]}]") is SourceFormat.WOODPECKER
    assert guess("pipeline: {a: {image: alpine}}") is SourceFormat.WOODPECKER


@pytest.mark.parametrize(
    "text",
    ["kind: pipeline\nsteps: [{image: alpine, commands: [ls]}]", "steps: [{label: test, command: make}]"],
    ids=["drone", "buildkite"],
)
def test_files_that_look_alike_are_not_taken_for_it(text: str) -> None:
    with pytest.raises(ImportFailure, match="Give its format with --from"):
        guess(text)


def test_steps_with_one_image_are_steps_of_one_treatment() -> None:
    document, result = imported("one-image")

    assert document["on"] == {"push": {"branches": ["main"]}}
    assert document["treatments"] == {
        "vet": {
            "image": "golang:1.25",
            "source": True,
            "steps": [
                {"name": "vet", "run": "go vet ./...\n"},
                {"name": "test", "env": {"CGO_ENABLED": "0"}, "run": "go test ./...\n"},
                {"name": "race", "soft_fail": True, "run": "go test -race ./...\n"},
            ],
        }
    }
    assert result.notes == ()


def test_steps_with_other_images_or_secrets_receive_the_whole_workspace() -> None:
    document, _ = imported("other-images")
    treatments = document["treatments"]

    assert document["connections"] == ["site.workspace -> pack.workspace", "pack.workspace -> upload.workspace"]
    assert [("source" in body, "secrets" in body) for body in treatments.values()] == [
        (True, False), (False, False), (False, True),
    ]  # fmt: skip
    assert treatments["upload"]["secrets"] == {"TOKEN": "upload_token"}
    assert treatments["upload"]["when"].startswith(f"${{{{ {PUSH[:-1]}")
    assert "outputs" not in treatments["upload"]


def test_a_matrix_is_one_of_each_treatment_and_its_variables_are_in_the_environment() -> None:
    document, _ = imported("matrix")
    test, report = document["treatments"]["test"], document["treatments"]["report"]

    assert test["matrix"] == report["matrix"] == {
        "python": ["3.12", "3.13"], "database": ["postgres:16", "mariadb:11"], "fail_fast": False,
    }  # fmt: skip
    assert test["image"] == "python:${{ matrix.python }}"
    assert test["services"]["db"]["image"] == "${{ matrix.database }}"
    assert test["services"]["db"]["ports"] == [5432, 3306]
    assert test["env"] == {"DATABASE": "${{ matrix.database }}"}
    assert report["when"] == '${{ string(matrix.python) == "3.13" }}'


def test_rows_of_a_matrix_and_escaped_variables() -> None:
    document, _ = imported("matrix-include")
    build = document["treatments"]["build"]

    assert build["matrix"]["include"] == [{"go": "1.24", "arch": "amd64"}, {"go": "1.25", "arch": "arm64"}]
    assert build["env"]["NOTE"] == "price ${X}"
    assert build["env"]["GOARCH"] == "${{ matrix.arch }}"
    assert build["run"] == 'go build\necho "${GOARCH} ${GO}"\n'


def test_a_variable_that_only_some_rows_of_a_matrix_have_is_empty_in_the_others() -> None:
    document, _ = read(
        'matrix: {include: [{A: "1", B: x}, {A: "2"}]}\n'
        "steps: [{name: a, image: 'alpine:${A}', commands: ['echo ${B}'], when: {matrix: {B: x}}}]"
    )
    a = document["treatments"]["a"]

    assert a["env"] == {"B": '${{ has(matrix.b) ? matrix.b : "" }}'}
    assert a["when"] == '${{ string((has(matrix.b) ? matrix.b : "")) == "x" }}'


def test_a_plugin_stops_the_run_and_one_that_only_tells_is_left_out() -> None:
    document, result = imported("plugins")
    steps = document["treatments"]["test"]["steps"]

    assert [step["name"] for step in steps] == ["test", "image"]
    assert "was not carried over' >&2; exit 1" in steps[1]["run"]
    assert [(note.line, note.what) for note in result.notes] == [
        (6, "image: the plugin woodpeckerci/plugin-docker-buildx:5"), (13, "tell: the plugin appleboy/drone-discord"),
    ]  # fmt: skip


def test_steps_after_a_failure_run_in_the_same_treatment_or_see_the_states_of_the_others() -> None:
    document, _ = imported("failure")
    treatments, failed = document["treatments"], '["failed", "lost", "timed_out"]'

    assert treatments["build"]["steps"][1] == {"name": "logs", "on_failure": True, "run": "cat target/log\n"}
    assert treatments["mail"]["when"].startswith(
        f'${{{{ (treatments["build"].state in {failed} || treatments["lint"].state in {failed}) && '
    )
    assert treatments["clean"]["when"].startswith('${{ treatments["build"].state != "" && ')
    assert "inputs" not in treatments["clean"]
    assert document["connections"] == ["build.workspace -> lint.workspace"]


def test_alternatives_with_different_states_and_conditions_do_not_run() -> None:
    document, result = read(
        "steps: [{name: a, image: alpine, commands: [ls], when: [{event: push}, {status: failure}, {event: tag}]}]"
    )
    same, nothing = read("steps: [{name: a, image: x, commands: [a], when: [{status: failure}, {status: success}]}]")

    assert document["treatments"]["a"]["when"] is False
    assert notes(result) == ["a: when: status"]
    assert same["treatments"]["a"]["steps"][0]["always"] is True
    assert notes(nothing) == []


def test_a_detached_step_without_commands_is_a_service() -> None:
    document, result = read(
        "steps: [{name: cache, image: redis, detach: true}, {name: a, image: alpine, commands: ['echo $$HOME']}]"
    )

    assert document["treatments"]["a"]["services"] == {"cache": {"image": "redis"}}
    assert document["treatments"]["a"]["run"] == "echo $HOME\n"
    assert notes(result) == []


def test_steps_that_depend_on_each_other_run_in_that_order() -> None:
    document, result = imported("graph")

    assert list(document["treatments"]) == ["front", "back", "package"]
    assert document["treatments"]["back"]["run"] == "cd back\ngo build\n"
    assert {"steps with depends_on", "package: depends_on nowhere"} <= set(notes(result))


def test_steps_that_depend_on_each_other_in_a_circle_are_refused() -> None:
    with pytest.raises(ImportFailure, match="in a circle"):
        convert("steps: {a: {image: x, commands: [a], depends_on: b}, b: {image: x, commands: [b], depends_on: a}}")


def test_events_that_nothing_here_knows_are_reported() -> None:
    document, result = read(
        "when: {event: [push, deployment]}\nsteps: [{image: alpine, commands: [a], when: {event: [tag, odd]}}]"
    )

    assert notes(result) == ["event: deployment", "event: odd"]
    assert document["on"] == {"push": {"branches": ["**"]}}


def test_paths_and_conditions_that_are_unknown() -> None:
    document, result = imported("paths")
    check = document["treatments"]["check"]

    assert (
        "(!has(event.changed_files) || size(event.changed_files) == 0 || (event.changed_files.exists(file, "
        'file.matches("^src/.*$") || file.matches("^[^/]*\\\\.toml$")) && event.changed_files.exists(file, '
        '!(file.matches("^docs/.*$")))))'
    ) in check["when"]
    assert [step.get("when") for step in check["steps"]][1:] == [False, False]
    assert {"check: when: evaluate", "with-ignore: when: path"} <= set(notes(result))


@pytest.mark.parametrize(
    ("command", "script"),
    [
        ("echo ${CI_COMMIT_SHA}", "echo ${CI_COMMIT_SHA}"),
        ("echo '${CI_COMMIT_SHA} x'", "echo ''\"${CI_COMMIT_SHA}\"' x'"),
        ('echo "it\'s ${CI_COMMIT_SHA}"', 'echo "it\'s ${CI_COMMIT_SHA}"'),
        ("echo ${CI_COMMIT_SHA:0:8}", 'echo $(printf %.8s "${CI_COMMIT_SHA}")'),
        ("echo $${HOME} $$ $$HOME $${A:-$$B}", "echo ${HOME} $$ $HOME ${A:-$B}"),
        ("echo ${CI_COMMIT_TAG##v} $CI_COMMIT_SHA", "echo ${CI_COMMIT_TAG##v} $CI_COMMIT_SHA"),
    ],
    ids=["plain", "quoted", "apostrophe", "beginning", "escaped", "operation"],
)
def test_the_shell_puts_in_what_woodpecker_puts_in(command: str, script: str) -> None:
    document, _ = read(json.dumps({"steps": [{"name": "a", "image": "alpine", "commands": [command]}]}))

    assert document["treatments"]["a"]["run"] == f"{script}\n"
    assert ("env" in document["treatments"]["a"]) == ("CI_" in command)


def test_a_variable_that_does_not_exist_stops_the_script() -> None:
    document, result = imported("services")
    test = document["treatments"]["prepare"]["steps"][1]

    assert ': "${CI_SYSTEM_HOST:?CI_SYSTEM_HOST was not carried over}"' in test["run"]
    assert {
        "test: $CI_SYSTEM_HOST",
        "test: ${UNKNOWN}",
        "serve: detach",
        "services.Data_Base: MYSQL_ROOT_PASSWORD",
    } <= set(notes(result))
    assert document["treatments"]["prepare"]["services"]["queue"]["command"] == ["sh", "-c", "rabbitmq-server"]


def test_a_variable_that_never_ends_is_read_once() -> None:
    document, _ = read(f"steps: {{a: {{image: alpine, commands: ['echo ${{{'a' * 50_000}']}}}}")
    assert document["treatments"]["a"]["run"].startswith("echo ${aaa")


def test_a_history_is_cloned_once_and_handed_on() -> None:
    document, _ = imported("git")
    changelog, publish = document["treatments"]["changelog"], document["treatments"]["publish"]

    assert changelog["run"].startswith("git init --quiet .\n")
    assert "git submodule update" in changelog["run"]
    assert ("source" in changelog, "git init" in publish["run"]) == (False, False)


def test_labels_choose_pools_and_other_systems_do_not_run() -> None:
    document, result = imported("labels")
    windows, _ = imported("windows")

    first = next(iter(document["treatments"].values()))
    assert (first["arch"], "source" in first) == ("arm64", False)
    assert {"labels.size: large", "depends_on", "runs_on"} <= set(notes(result))
    assert windows["treatments"]["build"]["when"] is False


def test_older_files_name_branches_and_secrets() -> None:
    document, _ = imported("old-syntax")
    build = document["treatments"]["build"]

    assert document["on"]["push"]["branches"] == ["main", "develop"]
    assert build["secrets"] == {"API_KEY": "api_key", "OTHER": "other_name"}
    assert build["steps"][0]["env"] == {"GOFLAGS": "-mod=vendor"}


def test_a_file_without_commands_is_refused() -> None:
    with pytest.raises(ImportFailure, match="no steps"):
        convert("steps: [{image: plugins/x, settings: {a: b}, when: {status: failure}}]")


LEAVES = (
    st.none() | st.booleans() | st.integers(-3, 300) | st.text(max_size=6)
    | st.sampled_from(["make", "alpine", "${CI_REPO}", "$${A}", "${{ x }}", "${A", "push", "tag", "failure", "main", "a/**", "{a,b}", "windows/x"])
)  # fmt: skip
SHAPES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["name", "image", "commands", "include", "exclude", "event", "branch", "path", "status", "matrix", "A", "from_secret",
                         "ref", "cron", "settings", "depth", "platform"]),
        inner, max_size=3,
    ),
    max_leaves=8,
)  # fmt: skip
STEP = st.fixed_dictionaries(
    {"image": st.sampled_from(["alpine", "debian", "${A}"]) | SHAPES, "commands": st.lists(LEAVES, max_size=2) | SHAPES},
    optional=dict.fromkeys(
        ("name", "environment", "when", "depends_on", "settings", "failure", "detach", "directory", "secrets", "volumes"), SHAPES
    ),
)  # fmt: skip


@given(
    st.lists(STEP, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "c d", "${{"]), STEP, max_size=3) | SHAPES,
    st.dictionaries(
        st.sampled_from(["when", "services", "matrix", "clone", "skip_clone", "labels", "platform", "branches", "workspace", "pipeline"]),
        SHAPES, max_size=4,
    ),
)  # fmt: skip
def test_no_shape_of_a_file_gives_an_invalid_document(steps: Any, others: Any) -> None:
    with suppress(ImportFailure):
        assert convert(json.dumps({**others, "steps": steps}), SourceFormat.WOODPECKER).valid
