"""Writes a first pipeline for the languages and tools that a repository's files name."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cadence.importing.shared.yaml_writer import yaml_text

_NOT_IN_NAMES = re.compile(r"[^a-z0-9_-]+")
_LONGEST_NAME = 63


@dataclass(frozen=True)
class _Tool:
    """A language or tool: the files that show it, its image, and the commands for a folder with them.

    `alone` are the commands that come first where the programs are the machine's own. `reports` is the file with the
    results of tests that the commands write, if they do.
    """

    name: str
    files: tuple[str, ...]
    image: str | None
    commands: Callable[[Path], Iterator[str]]
    alone: str = ""
    reports: str = ""


_PYTHON_REPORT = "junit.xml"


def _python(folder: Path) -> Iterator[str]:
    yield "python -m pip install --quiet pytest"
    if (folder / "requirements.txt").is_file():
        yield "python -m pip install --quiet -r requirements.txt"
    if (folder / "pyproject.toml").is_file() or (folder / "setup.py").is_file():
        yield "python -m pip install --quiet ."
    yield f"python -m pytest --junit-xml={_PYTHON_REPORT}"


def _node(folder: Path) -> Iterator[str]:
    yield "npm ci" if (folder / "package-lock.json").is_file() else "npm install"
    yield from (f"npm run {script}" for script in ("build", "test") if script in _scripts(folder / "package.json"))


def _scripts(package: Path) -> Mapping[str, object]:
    """Returns the scripts of a package.json; none if it cannot be read as one."""
    try:
        scripts = json.loads(package.read_bytes())["scripts"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return scripts if isinstance(scripts, dict) else {}


def _go(folder: Path) -> Iterator[str]:
    yield "go vet ./..."
    yield "go test ./..."


def _rust(folder: Path) -> Iterator[str]:
    yield "cargo test --locked" if (folder / "Cargo.lock").is_file() else "cargo test"


def _docker(folder: Path) -> Iterator[str]:
    yield "engine=$(command -v podman || command -v docker)"
    yield '"$engine" build .'


_VIRTUAL_ENVIRONMENT = "python3 -m venv .venv\n. .venv/bin/activate\n"  # packages of a system are not changed
_TOOLS = (
    _Tool(
        "python",
        ("pyproject.toml", "setup.py", "requirements.txt"),
        "python:3.13",
        _python,
        _VIRTUAL_ENVIRONMENT,
        _PYTHON_REPORT,
    ),
    _Tool("node", ("package.json",), "node:22", _node),
    _Tool("go", ("go.mod",), "golang:1.25", _go),
    _Tool("rust", ("Cargo.toml",), "rust:1", _rust),
    _Tool("image", ("Dockerfile", "Containerfile"), None, _docker),
)
_COMMENTS: Mapping[tuple[str | int, ...], Sequence[str]] = {
    (): ["Written by `cadence init`: a first pipeline to change."],
    ("treatments", "image"): ["Needs podman or docker on the runner's machine."],
}
FILES = tuple(file for tool in _TOOLS for file in tool.files)
"""The names of the files that are looked for."""


def first_pipeline(folder: Path, name: str, images: bool = True) -> str | None:
    """Returns a document named `name` for the files directly in `folder`; None if none of `FILES` is there.

    Without `images`, treatments use the programs of the runner's machine.
    """
    treatments = {
        tool.name: {
            **({"image": tool.image} if tool.image and images else {}),
            "source": True,
            **({"reports": {"junit": tool.reports}} if tool.reports else {}),
            "run": ("" if images else tool.alone) + "".join(f"{command}\n" for command in tool.commands(folder)),
        }
        for tool in _TOOLS
        if any((folder / file).is_file() for file in tool.files)
    }
    if not treatments:
        return None
    document = {
        "cadence": 1,
        "name": name,
        "on": {"push": {"branches": ["main", "master"]}, "pull_request": {}},
        "treatments": treatments,
    }
    return yaml_text(document, _COMMENTS)


def name_of(folder: Path) -> str:
    """Returns the name of a folder as a pipeline may be named."""
    name = _NOT_IN_NAMES.sub("-", folder.resolve().name.lower()).strip("-_")
    name = name if name[:1].isalpha() else f"p-{name}".rstrip("-")
    return name[:_LONGEST_NAME]
