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


def names(archive: Path) -> "list[str]":
    with zipfile.ZipFile(archive) as opened:
        return opened.namelist()


def test_bytecode_is_run_by_the_python_that_compiled_it_and_means_the_same(tmp_path: Path) -> None:
    assert main(["--bytecode", str(tmp_path / "agent.pyz")]) == 0
    # The same files; their bytecode may differ in what it refers to instead of repeating it.
    assert names(build(tmp_path / "again.pyz", bytecode=True)) == names(tmp_path / "agent.pyz")
    plain = build(tmp_path / "plain.pyz")
    program = "import sys; sys.path.insert(0, sys.argv[1]); import agent.arguments as module; print(module.__file__)"
    files, helps = [], []
    for agent in (plain, tmp_path / "agent.pyz"):
        argv = [sys.executable, "-I", "-S"]
        run = [*argv, "-c", program, str(agent)]
        files.append(subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip())
        helps.append(subprocess.run([*argv, agent, "run", "--help"], capture_output=True, check=True).stdout)
    assert files == [f"{plain}/agent/arguments.py", f"{tmp_path / 'agent.pyz'}/agent/arguments.pyc"]
    assert helps[0].replace(b"plain.pyz", b"agent.pyz") == helps[1]


def test_another_python_runs_the_sources_beside_the_bytecode(tmp_path: Path) -> None:
    agent = build(tmp_path / "agent.pyz", bytecode=True)
    foreign = tmp_path / "foreign.pyz"
    with zipfile.ZipFile(agent) as ours, zipfile.ZipFile(foreign, "w") as other:
        for name in ours.namelist():
            content = ours.read(name)
            other.writestr(name, b"\0\0\r\n" + content[4:] if name.endswith(".pyc") else content)
    subprocess.run([sys.executable, "-I", "-S", foreign, "run", "--help"], capture_output=True, check=True)


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
