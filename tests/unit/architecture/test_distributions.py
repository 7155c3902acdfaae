"""What the distribution `cadence-cli` installs is what its modules import."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import grimp
import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
FUNCTIONS = REPOSITORY / "functions"

# Time zones on systems that have none.
_NOT_IMPORTED = {"tzdata"}


@pytest.fixture(scope="module")
def modules() -> frozenset[str]:
    """Every module that the command line imports, apart from the local stack, which is another program."""
    graph = grimp.build_graph("cadence", cache_dir=None)
    waiting = [name for name in graph.modules if name.startswith(("cadence.cli.", "cadence.importing."))]
    reached = set[str]()
    while waiting:
        name = waiting.pop()
        if name not in reached and not name.startswith("cadence.local"):
            reached.add(name)
            waiting += graph.find_modules_directly_imported_by(name)
    return frozenset(reached)


def test_every_module_of_the_command_line_is_in_its_distribution(modules: frozenset[str]) -> None:
    included = _project("distributions/cli/pyproject.toml")["tool"]["hatch"]["build"]["targets"]["wheel"]
    folders = tuple(target.replace("/", ".") for target in included["force-include"].values())
    assert {name for name in modules if not f"{name}.".startswith(tuple(f"{one}." for one in folders))} <= {"cadence"}


def test_its_dependencies_are_what_it_imports_in_the_versions_of_the_whole(modules: frozenset[str]) -> None:
    whole = _project("pyproject.toml")["project"]
    versions = {*whole["dependencies"], *whole["optional-dependencies"]["cli"]}
    dependencies = set(_project("distributions/cli/pyproject.toml")["project"]["dependencies"])
    assert dependencies <= versions
    distributions = packages_distributions()
    imported = {
        re.sub(r"[-_.]+", "-", distributions[package][0].lower())
        for name in modules
        for package in _packages(_file(name))
        if package in distributions and package != "cadence"
    }
    named = {re.split(r"[<>=\[]", one)[0] for one in dependencies}
    assert named - _NOT_IMPORTED == imported


def test_both_have_the_same_schemas_and_the_same_agent() -> None:
    whole = _project("pyproject.toml")["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    part = _project("distributions/cli/pyproject.toml")["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert {source.removeprefix("../../"): target for source, target in part.items()}.items() >= whole.items()


def _project(file: str) -> Any:
    return tomllib.loads((REPOSITORY / file).read_text())


def _file(module: str) -> Path:
    path = FUNCTIONS.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _packages(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        yield from (top for name in names if (top := name.partition(".")[0]) not in sys.stdlib_module_names)
