"""The zipapp: the same bytes every time, and nothing in it but the agent."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from runner_bootstrap.agent.melodium.program_engine import DRIVER_MODULES
from runner_bootstrap.build import SOURCES, build, main

IMPORT_DRIVER = "import agent.programs.driver, agent.programs.captured_treatment"


def test_the_same_sources_give_the_same_bytes(tmp_path: Path) -> None:
    first = build(tmp_path / "a" / "agent.pyz")
    copy = tmp_path / "sources"
    copy.mkdir()
    for source in sorted(SOURCES.rglob("*.py"), reverse=True):
        other = copy / source.relative_to(SOURCES)
        other.parent.mkdir(exist_ok=True)
        other.write_bytes(source.read_bytes())
        os.utime(other, (0, 0))
    assert build(tmp_path / "b.pyz", copy).read_bytes() == first.read_bytes()


def test_it_holds_the_agents_modules_only(tmp_path: Path) -> None:
    names = zipfile.ZipFile(build(tmp_path / "agent.pyz")).namelist()
    assert names == [
        "__main__.py",
        *sorted(f"agent/{source.relative_to(SOURCES).as_posix()}" for source in SOURCES.rglob("*.py")),
    ]


def test_it_runs_and_needs_nothing_installed(tmp_path: Path) -> None:
    agent = build(tmp_path / "agent.pyz")
    shown = subprocess.run([sys.executable, "-I", "-S", agent, "--help"], capture_output=True, text=True, check=True)
    assert "run" in shown.stdout
    assert "host" in shown.stdout


def test_the_driver_of_programs_needs_no_other_modules_than_those_it_is_given(tmp_path: Path) -> None:
    for name in DRIVER_MODULES:
        module = tmp_path / "agent" / f"{name}.py"
        module.parent.mkdir(parents=True, exist_ok=True)
        module.write_bytes((SOURCES / f"{name}.py").read_bytes())
    assert {f"programs/{source.stem}" for source in (SOURCES / "programs").glob("*.py")} <= set(DRIVER_MODULES)
    argv = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {IMPORT_DRIVER}"]
    subprocess.run(argv, check=True)


def test_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage:" in capsys.readouterr().err


def test_no_module_is_larger_than_it_should_be() -> None:
    sizes = {str(source): len(source.read_text().splitlines()) for source in SOURCES.rglob("*.py")}
    assert {name: size for name, size in sizes.items() if size > 300} == {}
