"""What is generated from the rows of Lambdas is up to date, and every Lambda has a row."""

import subprocess
import sys
import tomllib
from collections import defaultdict
from fnmatch import fnmatch
from typing import TYPE_CHECKING, cast

from infra.generate import outdated
from infra.lambdas import LAMBDAS
from infra.lambdas.providers import CALLING_HOME
from infra.packaging import REPOSITORY
from infra.row.triggers import InvokedBy

if TYPE_CHECKING:
    from infra.resources import Resources


class _Folders:
    """Gives each Lambda its folder for an ARN."""

    def function(self, folder: str) -> str:
        return folder


def test_lists_and_table_of_lambdas_are_as_the_rows_say() -> None:
    assert outdated() == [], "run `python -m infra.generate`"


def test_the_command_names_nothing_while_all_is_up_to_date() -> None:
    command = [sys.executable, "-m", "infra.generate", "--check"]
    environment = {"PYTHONPATH": str(REPOSITORY / "functions"), "PATH": ""}
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_folder_with_a_handler_has_a_row_and_every_row_a_folder() -> None:
    folders = {path.parent.name for path in (REPOSITORY / "functions").glob("*/handler.py")}
    assert folders == set(LAMBDAS)


def test_import_linter_looks_at_every_lambda() -> None:
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["importlinter"]
    assert set(settings["root_packages"]) == {"cadence", "runner_bootstrap", *LAMBDAS}


def test_rows_of_providers_are_named_after_them() -> None:
    for name, row in CALLING_HOME.items():
        assert (row.folder, row.provider) == (f"provider_{name}", name)


def test_rows_name_exactly_the_lambdas_that_may_invoke_them() -> None:
    names = cast("Resources", _Folders())
    may_invoke = defaultdict(set)
    for caller, row in LAMBDAS.items():
        patterns = {
            target(names)
            for permission in row.permissions
            if permission.actions == ("lambda:InvokeFunction",)
            for target in permission.targets
        }
        for folder in (folder for folder in LAMBDAS if any(fnmatch(folder, pattern) for pattern in patterns)):
            may_invoke[folder].add(caller)
    named = {
        folder: {caller for trigger in row.triggers if isinstance(trigger, InvokedBy) for caller in trigger.folders}
        for folder, row in LAMBDAS.items()
    }
    assert {folder: callers for folder, callers in named.items() if callers} == may_invoke
