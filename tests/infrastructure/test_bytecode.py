"""Bytecode in archives: used as it is, the same in every build, and left out where there is no interpreter for it."""

import dataclasses
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra import packaging
from infra.bytecode import Interpreter, interpreter
from infra.lambdas import LAMBDAS
from infra.packaging import THIS_MACHINE, bundle

HERE = Interpreter(sys.executable, sys.version)
SOURCE = """
COLOURS = {"red", "green", "blue", "amber", "violet"}

def is_colour(name):
    return name in {"red", "green", "blue", "amber", "violet"} or name == ("x" * 40)
"""


def write(folder: Path, **files: str) -> None:
    folder.mkdir()
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)


def bytecode(folder: Path, name: str) -> bytes:
    return Path(importlib.util.cache_from_source(str(folder / f"{name}.py"))).read_bytes()


def test_the_same_source_has_the_same_bytes_beside_other_files(tmp_path: Path) -> None:
    write(tmp_path / "alone", colours=SOURCE)
    others = {f"a{number}": f"{SOURCE}\nNAME = 'a{number}'\n" for number in range(5)}
    write(tmp_path / "many", colours=SOURCE, **others)
    for folder in ("alone", "many"):
        assert HERE.compile(tmp_path / folder) == []
    assert bytecode(tmp_path / "alone", "colours") == bytecode(tmp_path / "many", "colours")


def test_a_module_is_imported_without_being_compiled_whatever_its_files_time(tmp_path: Path) -> None:
    write(tmp_path / "archive", colours=SOURCE)
    HERE.compile(tmp_path / "archive")
    os.utime(tmp_path / "archive" / "colours.py", (1, 1))
    program = (
        "import importlib.machinery, sys\n"
        "def compiled(*given): raise SystemExit('it was compiled')\n"
        "importlib.machinery.SourceFileLoader.source_to_code = compiled\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "import colours\n"
        "print(colours.is_colour('amber'), colours.is_colour.__code__.co_filename)\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-c", program, str(tmp_path / "archive")],
        capture_output=True,
        text=True,
        check=False,
    )
    # Stack traces name the file where it lies, not where it was compiled.
    assert done.stdout.split() == ["True", str(tmp_path / "archive" / "colours.py")], done.stderr


def test_a_file_that_does_not_compile_is_named_and_stops_no_other(tmp_path: Path) -> None:
    write(tmp_path / "archive", colours=SOURCE, template="def {{ name }}():\n    pass\n")
    assert HERE.compile(tmp_path / "archive") == ["template.py"]
    assert bytecode(tmp_path / "archive", "colours")


def test_without_an_interpreter_archives_are_built_and_it_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    interpreter.cache_clear()
    assert interpreter("3.99") is None
    assert interpreter("3.99") is None
    told = capsys.readouterr().err
    assert told.count("uv python install 3.99") == 1


def test_every_file_of_an_archive_has_its_bytecode(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write(tmp_path / "sources", one=SOURCE, two=SOURCE)
    (tmp_path / "sources" / "one.json").write_text("{}")
    files = [(f"cadence/{path.name}", path) for path in sorted((tmp_path / "sources").iterdir())]
    monkeypatch.setattr(packaging, "_sources", lambda *_: iter(files))
    monkeypatch.setattr(packaging, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(packaging, "interpreter", lambda version: HERE)
    row = dataclasses.replace(LAMBDAS["dashboard"], packages=())
    archive = bundle(row, dataclasses.replace(THIS_MACHINE, bytecode=True))
    sources = sorted(archive.rglob("*.py"))
    assert [path.name for path in sources] == ["one.py", "two.py"]
    assert sorted(archive.rglob("*.pyc")) == [Path(importlib.util.cache_from_source(str(path))) for path in sources]
