"""Holds the structure of the library: one name per class, folders one can read, few packages in the domain."""

import ast
import sys
from collections import defaultdict
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
LIBRARY = ("functions", "infra")
AGENT = ("runner_bootstrap",)
MOST_MODULES = 26
"""Modules directly in one folder."""
DOMAIN_PACKAGES = {
    "cel": "conditions and templates",
    "cronsim": "what a cron expression means",
    "jsonschema_rs": "documents against their schema, regular expressions of linear time",
    "yaml": "documents",
}
"""The packages that the domain may import, besides the standard library, and what for."""


def _modules(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((REPOSITORY / folder).rglob("*.py"))


def _public_classes(*folders: str) -> dict[str, list[str]]:
    where: dict[str, list[str]] = defaultdict(list)
    for path in _modules(*folders):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                where[node.name].append(path.relative_to(REPOSITORY).as_posix())
    return where


@pytest.mark.parametrize("folders", [LIBRARY, AGENT], ids=["library", "agent"])
def test_a_class_name_stands_once(folders: tuple[str, ...]) -> None:
    twice = {name: paths for name, paths in _public_classes(*folders).items() if len(paths) > 1}
    assert twice == {}


def test_no_folder_has_more_modules_than_one_can_survey() -> None:
    sizes: dict[str, int] = defaultdict(int)
    for path in _modules("functions", "infra", "runner_bootstrap", "tests", "bench"):
        if path.name != "__init__.py":
            sizes[path.parent.relative_to(REPOSITORY).as_posix()] += 1
    assert {folder: size for folder, size in sizes.items() if size > MOST_MODULES} == {}


def test_the_domain_imports_only_what_is_on_its_list() -> None:
    allowed = sys.stdlib_module_names | set(DOMAIN_PACKAGES) | {"cadence"}
    assert _imports_of_others("functions/cadence/domain", allowed) == set()


def test_the_agents_unit_tests_import_only_what_is_there_on_its_oldest_python() -> None:
    lock = (REPOSITORY / ".ci" / "oldest-agent.lock").read_text()
    installed = {line.split("==")[0] for line in lock.splitlines() if "==" in line and not line.startswith((" ", "#"))}
    others = _imports_of_others("tests/unit/agent", sys.stdlib_module_names | installed | {"runner_bootstrap"})
    assert {other for other in others if ": tests.unit.agent." not in other} == set()


def test_the_rooms_have_one_name_in_every_layer() -> None:
    library = REPOSITORY / "functions" / "cadence"
    rooms = _folders(library / "application") | {"shared"}
    layers = [library / "domain", library / "adapters" / "dynamodb", REPOSITORY / "functions" / "api" / "routes"]
    assert {layer.name: _folders(layer) - rooms for layer in layers} == {layer.name: set() for layer in layers}


def _imports_of_others(folder: str, allowed: Collection[str]) -> set[str]:
    others = set()
    for path in _modules(folder):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            others |= {f"{path.name}: {name}" for name in names if name.split(".")[0] not in allowed}
    return others


def _folders(parent: Path) -> set[str]:
    return {path.name for path in parent.iterdir() if path.is_dir() and any(path.glob("*.py"))}
