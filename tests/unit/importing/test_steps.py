"""Steps of GitHub's jobs become named steps."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from cadence.domain.logs.log import detected_level
from cadence.importing.convert import convert

WORKFLOW = """\
on: {push: }
jobs:
  build:
    runs-on: ubuntu-latest
%s
    steps:
"""


def treatment(steps: str, more: str = "") -> dict[str, Any]:
    lines = "".join(f"      {line}\n" for line in steps.strip("\n").splitlines())
    imported = convert(WORKFLOW % more + lines)
    assert imported.valid, (imported.document, imported.findings)
    return dict(yaml.safe_load(imported.document)["treatments"]["build"])


def test_names_conditions_and_allowed_failures_are_those_of_the_steps() -> None:
    build = treatment("""
- {name: "Build on ${{ github.ref_name }}", run: make}
- {run: "make lint\\nmake more", continue-on-error: true}
- {name: Deploy, run: make deploy, if: github.ref == 'refs/heads/main'}
- {name: Deploy, run: make again, if: "${{ !cancelled() }}"}
- {name: Clean, run: make clean, if: always() && github.event_name == 'push'}
""")

    assert "run" not in build
    settings = [{key: step[key] for key in step if key != "run"} for step in build["steps"]]
    assert settings == [
        {"name": "Build on github.ref_name"},
        {"name": "make lint", "soft_fail": True},
        {"name": "Deploy", "when": '${{ (has(event.ref) ? event.ref : "") == "refs/heads/main" }}'},
        {"name": "Deploy (2)", "always": True},
        {"name": "Clean", "always": True, "when": '${{ event.kind == "push" }}'},
    ]
    assert [step["run"] for step in build["steps"]][1] == "make lint\nmake more\n"


def test_a_name_with_an_expression_that_never_ends_is_read_once() -> None:
    build = treatment(f"""
- {{name: "${{{{{" " * 20_000}x", run: make}}
- {{run: make lint}}
""")

    assert [step["name"] for step in build["steps"]] == ["$ {{ x", "make lint"]


def test_steps_that_wait_for_a_failure_are_marked() -> None:
    build = treatment("""
- {name: Build, run: make}
- {name: Log, run: cat log, if: failure()}
- {name: Mail, run: mail, if: "${{ failure() && github.event_name == 'push' }}"}
- {name: Report, run: report, if: (failure() || cancelled()) && github.event_name == 'push'}
- {name: Both, run: both, if: success() || failure()}
- {name: Tail, run: tail log, if: failure() || cancelled()}
- {name: Precedence, run: "true", if: failure() || cancelled() && github.event_name == 'push'}
- {name: Quoted, run: "true", if: "github.actor == 'a && failure() && b'"}
""")

    settings = [{key: step[key] for key in step if key != "run"} for step in build["steps"]]
    on_push = {"on_failure": True, "when": '${{ event.kind == "push" }}'}
    assert settings == [
        {"name": "Build"},
        {"name": "Log", "on_failure": True},
        {"name": "Mail", **on_push},
        {"name": "Report", **on_push},
        {"name": "Both", "always": True},
        {"name": "Tail", "on_failure": True},
        {"name": "Precedence"},
        {"name": "Quoted", "when": '${{ (has(event.sender) ? event.sender : "") == "a && failure() && b" }}'},
    ]
    assert "if false" in build["steps"][6]["run"]


def test_a_step_alone_is_a_script() -> None:
    build = treatment("- {name: Build, run: make}")
    assert build["run"] == "make\n"
    assert "steps" not in build


def test_a_step_passes_variables_folders_and_outputs_on() -> None:
    build = treatment(
        """
- {id: version, run: 'echo "v=1" >> "$GITHUB_OUTPUT"'}
- {run: 'echo "MODE=fast" >> "$GITHUB_ENV"; echo "$PWD/bin" >> "$GITHUB_PATH"'}
- {run: 'echo "${{ steps.version.outputs.v }} $MODE"'}
""",
        '    outputs: {v: "${{ steps.version.outputs.v }}"}',
    )

    first, second, third, last = [step["run"].splitlines() for step in build["steps"]]
    folder = 'steps="$TMPDIR/steps"; mkdir -p "$steps"'
    assert first[:2] == [folder, 'export GITHUB_OUTPUT="$steps/version"']
    assert 'export GITHUB_ENV="$CADENCE_ENV"' in second
    assert second[-1] == 'echo "PATH=$PATH" >> "$CADENCE_ENV"'
    assert third[0] == folder
    assert third[-1] == 'echo "$(step_output version v) $MODE"'
    assert build["steps"][-1]["name"] == "outputs of the job"
    assert last[-1] == 'echo "$(step_output version v)" > "$CADENCE_OUT_v"'


def test_what_is_not_carried_over_is_a_comment_of_the_next_step() -> None:
    build = treatment("""
- {uses: acme/unknown-action@v1}
- {run: make}
- {run: make test}
""")
    assert [step["name"] for step in build["steps"]] == ["make", "make test"]
    assert build["steps"][0]["run"].splitlines() == ["# acme/unknown-action@v1 was not carried over.", "make"]


def test_a_step_that_begins_with_a_comment_keeps_its_condition() -> None:
    build = treatment("""
- {run: make}
- {name: Deploy, run: "# Deploys.\\n./deploy", if: github.actor == 'ada', continue-on-error: true}
""")

    assert build["steps"][1] == {
        "name": "Deploy",
        "soft_fail": True,
        "when": '${{ (has(event.sender) ? event.sender : "") == "ada" }}',
        "run": "# Deploys.\n./deploy\n",
    }


@pytest.mark.parametrize(
    ("steps", "comment"),
    [
        (
            "- {uses: actions/checkout@v4}\n- {uses: acme/close-stale@v1, if: github.actor == 'x'}",
            "acme/close-stale@v1",
        ),
        ("- {uses: acme/close@v1, env: {KEPT: '${{ runner.temp }}'}}", "acme/close@v1"),
        ("- {uses: actions/download-artifact@v4, with: {run-id: 3}}", "download-artifact with run-id"),
        ("- {uses: actions/download-artifact@v4, with: {name: theirs}}", "download-artifact"),
        ("- {run: make, if: github.event.unknown.part == 'x'}", None),
    ],
)
def test_a_job_of_which_nothing_is_carried_over_says_so_when_it_runs(
    steps: str, comment: str | None, tmp_path: Path
) -> None:
    build = treatment(steps)
    scripts = [step["run"] for step in build["steps"]] if "steps" in build else [build["run"]]
    ran = [
        subprocess.run(
            ["bash", "-eo", "pipefail", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        for script in scripts
    ]

    said = "".join(one.stderr for one in ran)
    assert said == (
        "Warning: of the job build, nothing that it runs was carried over. The report of the import says why.\n"
    )
    assert detected_level("info", said) == "warning"
    assert comment is None or f"# {comment} was not carried over." in "\n".join(scripts).splitlines()


@pytest.mark.parametrize(
    "steps",
    [
        "- {run: make}\n- {uses: acme/close@v1}",
        "- {uses: actions/checkout@v4}",
        "- {uses: actions/upload-artifact@v4, with: {name: site, path: site}}",
    ],
)
def test_a_job_of_which_something_is_carried_over_has_no_warning(steps: str) -> None:
    assert "Warning" not in str(treatment(steps))


def test_more_steps_than_a_treatment_has_are_joined_in_the_last() -> None:
    build = treatment("\n".join(f"- {{run: echo {number}}}" for number in range(120)))
    assert len(build["steps"]) == 100
    assert "echo 119" in build["steps"][-1]["run"]


def test_variables_of_a_step_are_its_env_unless_only_the_script_knows_them() -> None:
    build = treatment("""
- {run: make, id: v}
- run: make test
  env: {MODE: "$5 a day", REF: "${{ github.ref_name }}", V: "${{ steps.v.outputs.v }}", KEY: "${{ secrets.KEY }}"}
- {run: make more, env: {KEY: public}}
""")

    second, third = build["steps"][1:]
    assert second["env"] == {"MODE": "$5 a day", "REF": '${{ has(event.branch) ? event.branch : "" }}'}
    assert 'export V="$(step_output v v)"' in second["run"].splitlines()
    assert "MODE" not in second["run"]
    assert third["env"] == {"KEY": "public"}
    assert build["secrets"] == {"KEY": "KEY"}


def test_variables_of_a_step_alone_are_those_of_its_treatment() -> None:
    build = treatment("- {run: make, env: {MODE: fast}}", "    env: {MODE: slow, LANG: C}")
    assert build["env"] == {"MODE": "fast", "LANG": "C"}
    assert build["run"] == "make\n"


def test_variables_of_joined_steps_stay_with_them() -> None:
    lines = [f"- {{run: echo $N, env: {{N: '{number} $x'}}}}" for number in range(101)]
    last = treatment("\n".join(lines))["steps"][-1]["run"].splitlines()
    assert last == ["(", "export N='99 $x'", "echo $N", ")", "(", "export N='100 $x'", "echo $N", ")"]


@pytest.mark.parametrize(
    "command", ["sudo -E env NAME=x", "sudo NAME=x", "sudo -v && sudo -u root --user a -H -- env NAME=x"]
)
def test_commands_of_sudo_run_where_there_is_none(tmp_path: Path, command: str) -> None:
    result = convert(f"""\
on: push
jobs: {{a: {{runs-on: ubuntu-latest, steps: [{{run: "{command} sh -c 'echo $NAME $OTHER'"}}]}}}}
""")
    run = yaml.safe_load(result.document)["treatments"]["a"]["run"]
    for tool in ("env", "sh"):
        (tmp_path / tool).symlink_to(str(shutil.which(tool)))
    bash = str(shutil.which("bash"))
    ended = subprocess.run(
        [bash, "-e", "-c", run], env={"PATH": str(tmp_path), "OTHER": "y"}, capture_output=True, check=True
    )

    assert ended.stdout == b"x y\n"
