"""The cases of the conformance suite: each a document, with what is to come of it in its head.

A case is one YAML file in a folder named after its topic:

    # Title, one line
    # As much more as it needs.
    #: findings: [[type-mismatch, 9, 5]]         code, line, column; [] for a document without any
    #: run:                                      or what a run of it comes to, all but `state` optional
    #:   state: succeeded
    #:   parameters: {count: 3}                  what the run is given
    #:   states: {build: failed}                 of treatments; those not named have succeeded
    #:   values: {build.count: "3\\n"}            what outputs hold
    #:   exit_codes: {build: 3}
    #:   attempts: {build: 2}
    #:   logs: {build: [hello]}                  lines that are among its log
    #:   causes: {build: "exit code 3"}          words in the cause of its state
    #:   cause: "build"                          words in the run's cause
    #: refused:                                  or what keeps a run of it from being planned
    #:   codes: [expression-failed]
    #:   parameters: {n: 0}

A case with `run` has to be without findings unless it names them too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Expected:
    """What a run comes to."""

    state: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    exit_codes: Mapping[str, int] = field(default_factory=dict)
    attempts: Mapping[str, int] = field(default_factory=dict)
    logs: Mapping[str, list[str]] = field(default_factory=dict)
    causes: Mapping[str, str] = field(default_factory=dict)
    cause: str = ""


@dataclass(frozen=True)
class Refusal:
    """The codes of what is wrong with a run of a valid document."""

    codes: list[str]
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """`findings` are triples of code, line and column; `run` and `refused` are `None` if the document is
    only checked.
    """

    topic: str
    name: str
    title: str
    text: str
    findings: tuple[tuple[str, int, int], ...]
    run: Expected | None
    refused: Refusal | None

    def __str__(self) -> str:
        return f"{self.topic}/{self.name}"


@cache
def cases() -> tuple[Case, ...]:
    """All of them, by topic and name."""
    return tuple(_read(path) for path in sorted(FOLDER.glob("*/*.yaml")))


def _read(path: Path) -> Case:
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    head = yaml.safe_load(
        "\n".join(line.removeprefix("#:").removeprefix(" ") for line in lines if line.startswith("#:"))
    )
    run = Expected(**head["run"]) if "run" in head else None
    refused = Refusal(**head["refused"]) if "refused" in head else None
    assert head.keys() <= {"findings", "run", "refused"}, f"{path}: a head has no {', '.join(head)}"
    assert lines[0].startswith("# ") and lines[0].endswith("."), f"{path}: the first line is a comment with the title"
    findings = tuple((str(code), int(line), int(column)) for code, line, column in head.get("findings", ()))
    return Case(path.parent.name, path.stem, lines[0].removeprefix("# "), text, findings, run, refused)
