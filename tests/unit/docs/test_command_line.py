"""The command line: its commands are imported when they are used, and listed as they describe themselves."""

import subprocess
import sys
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from cadence.cli.lazy_commands import COMMANDS
from cadence.cli.main import app
from cadence.cli.reference import reference

GROUP: Any = typer.main.get_command(app)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_is_listed_with_its_own_help(name: str) -> None:
    assert GROUP.commands[name].get_short_help_str(200) == COMMANDS[name].help


def test_the_help_imports_no_command() -> None:
    check = (
        "import sys\n"
        "from cadence.cli.main import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit:\n    pass\n"
        "print(sorted(name for name in sys.modules if name.startswith(('cadence.cli.', 'requests', 'rich.table'))))"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "['cadence.cli.lazy_commands', 'cadence.cli.main']"


@pytest.mark.parametrize("words", [["-h"], ["runs", "-h"], ["pool", "list", "-h"]], ids=" ".join)
def test_help_has_a_short_option(words: list[str]) -> None:
    answer = CliRunner().invoke(app, words)
    assert answer.exit_code == 0
    assert answer.output.lstrip().startswith("Usage: ")


def test_an_unknown_command_is_wrong_use() -> None:
    answer = CliRunner().invoke(app, ["rnus"])
    assert answer.exit_code == 2
    assert "runs" in answer.output


def test_the_reference_names_the_option_for_help_as_the_program_does() -> None:
    help_of_runs = CliRunner().invoke(app, ["runs", "-h"]).output
    assert "-h, --help" in help_of_runs
    assert {line.split("  ")[1] for line in reference().splitlines() if "Show this message" in line} == {"-h, --help"}
