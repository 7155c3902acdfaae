"""What the command line makes of instances, series and texts."""

from typing import Any

import pytest

from cadence.cli.insight.instance_table import common_values
from cadence.cli.insight.resource_charts import bars
from cadence.cli.insight.step_table import scripts, show_steps
from cadence.cli.shared.preview import plain, short


def instance(state: str, **matrix: Any) -> dict[str, Any]:
    return {"state": state, "matrix": matrix}


def test_what_all_failed_instances_share_is_said() -> None:
    told = [
        instance("failed", os="alpine", python="3.11"),
        instance("failed", os="alpine", python="3.12"),
        instance("succeeded", os="debian", python="3.11"),
        instance("succeeded", os="debian", python="3.12"),
    ]
    assert common_values(told) == [
        "2 of 4 failed.",
        "All failed instances have os = alpine, and all instances with it failed.",
    ]
    assert common_values([*told, instance("succeeded", os="alpine", python="3.13")]) == ["2 of 5 failed."]
    assert common_values([instance("succeeded", os="alpine")]) == []
    assert common_values([instance("failed", os="alpine")]) == ["1 of 1 failed."]


def test_charts_are_of_one_line_and_keep_the_peak() -> None:
    assert bars([0, 1, 2, 4]) == "▁▃▅█"
    assert bars([1, 2]) == bars([0, 0, 0]) == ""
    many = bars([0.0] * 500 + [9.0] + [0.0] * 500)
    assert len(many) <= 31
    assert many.count("█") == 1


def test_texts_carry_no_commands_for_the_terminal() -> None:
    assert plain("\x1b[31mred\x1b[0m \x1b]0;title\x07x\ty\x00") == "red x\ty"


def test_files_of_a_workspace_are_told_by_their_own_names() -> None:
    there = "/var/lib/work/cadence-01m87s43g0c5q35ypd1p5nbtw0-11239872d178-1-ubhmlz75/work/src/total.py"
    assert short(f'  File "{there}", line 3') == '  File "src/total.py", line 3'
    assert short("/usr/lib/cadence-tools/x") == "/usr/lib/cadence-tools/x"


def test_steps_are_listed_with_their_states_times_and_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    done = {"started_at": "2026-03-04T05:06:07Z", "finished_at": "2026-03-04T05:06:09.5Z"}
    show_steps(
        [
            {"number": 1, "name": "lint", "state": "failed", "exit_code": 3, "soft_fail": True, **done},
            {"number": 2, "name": "test", "state": "running", "exit_code": None, "soft_fail": False}
            | {"started_at": done["started_at"], "finished_at": None},
        ]
    )
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert rows == [
        ["STEP", "NAME", "STATE", "RAN", "EXIT", "CODE"],
        ["1", "lint", "failed", "(soft)", "2.5", "s", "3"],
        ["2", "test", "running", "-", "-"],
    ]


def test_the_scripts_of_steps_stand_below_their_names() -> None:
    step = {
        "name": "clean",
        "run": "make clean",
        "shell": "sh -e",
        "env": {"A": "1"},
        "always": True,
        "on_failure": False,
        "soft_fail": False,
    }
    assert list(scripts({"run": "", "shell": "sh", "steps": [step]})) == [
        ("1 clean (always, A=1), sh -e:", "make clean")
    ]
    assert list(scripts({"run": "make", "shell": "bash"})) == [("bash:", "make")]
