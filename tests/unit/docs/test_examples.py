"""What the documentation shows is right: documents validate, data parses, and commands and targets exist."""

import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer
import yaml

from cadence.cli.main import app
from cadence.domain.pipelines.document import validate
from cadence.local.commands import app as local_app
from tests.unit.docs.pages import ROOT, Block, blocks, name

# Shows documents and parts of documents; tests/unit/document and tests/unit/importing validate them.
_TESTED_ELSEWHERE = {"docs/pipelines.md", "docs/importing.md"}
_SHELL = ("sh", "bash", "console")
_PLACEHOLDER = re.compile(r"…|<[a-z ]+>|\.\.\.")
_SEPARATORS = {"|", "||", "&&", ";", "<", ">"}


@pytest.mark.parametrize("block", blocks("yaml"), ids=lambda block: block.place)
def test_yaml_parses_and_pipelines_are_valid(block: Block) -> None:
    content = yaml.safe_load(block.text)
    if isinstance(content, dict) and "cadence" in content and name(block.page) not in _TESTED_ELSEWHERE:
        assert validate(block.text).findings == ()


@pytest.mark.parametrize("block", blocks("json"), ids=lambda block: block.place)
def test_json_parses(block: Block) -> None:
    json.loads(block.text)


def test_python_compiles() -> None:
    for block in blocks("python"):
        compile(block.text, block.place, "exec")


@pytest.mark.parametrize("block", blocks(*_SHELL, ""), ids=lambda block: block.place)
def test_commands_and_targets_exist(block: Block) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    wrong = []
    for words in _commands(block):
        if words[0] == "cadence" and not _is_command(words[1:]):
            wrong.append(" ".join(words[:4]))
        targets = [word for word in words[1:] if word.isalpha() and word.islower()] if words[0] == "make" else []
        wrong += [f"make {target}" for target in targets[:1] if not re.search(rf"^{target}:", makefile, re.MULTILINE)]
    assert wrong == []


def test_commands_are_found() -> None:
    found = [words for block in blocks(*_SHELL) for words in _commands(block) if words[0] == "cadence"]

    assert len(found) > 50


def test_examples_that_are_run_by_hand_need_no_event() -> None:
    shown = {
        word
        for block in blocks(*_SHELL)
        for words in _commands(block)
        if words[:2] == ["cadence", "run"]
        for word in words
        if word.startswith("examples/")
    }
    assert len(shown) > 2
    assert [one for one in shown if "CADENCE_EVENT_" in (ROOT / one).read_text(encoding="utf-8")] == []


def _commands(block: Block) -> Iterator[list[str]]:
    """Yields the words of each command; in blocks without a language those behind the prompt `$ `."""
    for line in block.text.replace("\\\n", " ").splitlines():
        if not block.language and not line.startswith("$ "):
            continue
        try:
            words = shlex.split(line.removeprefix("$ "), comments=True)
        except ValueError:  # part of a longer script
            continue
        command: list[str] = []
        for word in [*words, ";"]:
            if word in _SEPARATORS:
                if command and command[0] in ("cadence", "make"):
                    yield command
                command = []
            else:
                command.append(word)


def _is_command(words: list[str]) -> bool:
    """Tells whether the words begin with a command of the program, down to one that does something."""
    command: Any = typer.main.get_command(app)
    for position, word in enumerate(words):
        inner = getattr(command, "commands", None)
        if inner is None or (position == 0 and word.startswith("--")):
            return True
        if word == "local" and position == 0:
            command = typer.main.get_command(local_app)
        elif word in inner:
            command = inner[word]
        else:
            return bool(_PLACEHOLDER.search(word))
    return getattr(command, "commands", None) is None
