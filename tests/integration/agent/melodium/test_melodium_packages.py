"""The real engine runs programs with packages that are stored on its machine, which nothing can change meanwhile."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.engine import BINARY, VERSION, in_version, needs_engine
from tests.integration.agent.conftest import Start, Work
from tests.integration.agent.fake_gateway import FakeGateway
from tests.integration.agent.melodium.test_melodium_programs import Program, given
from tests.integration.agent.melodium.test_melodium_programs import engine as engine
from tests.integration.agent.melodium.test_melodium_programs import program as program
from tests.integration.agent.test_ports import feed, port
from tests.programs import needs_bubblewrap
from tests.waiting import eventually

pytestmark = [pytest.mark.engine, needs_engine]

PACKAGE = {
    "Compo.toml": 'name = "greetings"\nversion = "0.2.0"\n\n[dependencies]\nstd = "=0.11.0"\n\n[entrypoints]\n',
    "lib-root.mel": """
use std/engine/util::startup
use std/engine/log::logInfoMessage
use std/flow::pass

treatment greet(const who: string)
{
    startup()
    line: logInfoMessage(label="greetings", message=who)
    startup.trigger -> line.trigger
}

treatment echo()
  input words: Stream<string>
  output words: Stream<string>
{
    pass: pass<string>(cond=true)
    Self.words -> pass.stream,passed -> Self.words
}
""",
}
VISITING = {
    "Compo.toml": """
name = "visiting"
version = "0.1.0"

[dependencies]
std = "=0.11.0"
process = "=0.11.0"
greetings = "^0.2.0"

[entrypoints]
main = "visiting::main"
through = "visiting::through"
changes = "visiting::changes"
""",
    "lib-root.mel": """
use greetings::greet
use greetings::echo
use std/engine/util::startup
use std/flow::close
use process/command::|command
use process/local::spawnOnce

treatment main(const who: string)
{
    greet(who=who)
}

treatment through()
  input words: Stream<string>
  output words: Stream<string>
{
    echo()
    Self.words -> echo.words,words -> Self.words
}

treatment changes(const file: string)
{
    startup()
    greet(who="changes")
    write: spawnOnce(command=|command("sh", ["-c", "echo changed >> \\"$0\\" && echo changed", file]))
    noInput: close<byte>()
    startup.trigger -> write.launch
    startup.trigger -> noInput.trigger,closed -> write.stdin
}
""",
}
HOME = "the home of engines"
LAYOUTS = ("tree", "archive", HOME)


def written(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(in_version(text))
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return written(tmp_path / "visiting", VISITING)


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A folder with the package as a tree."""
    written(tmp_path / "packages" / "greetings", PACKAGE)
    return tmp_path / "packages"


def stored(packages: Path, layout: str) -> dict[str, str]:
    """Stores the package in another layout; returns the variables by which an agent finds it."""
    if layout == "tree":
        return {"CADENCE_MELODIUM_PACKAGES": str(packages)}
    home = packages / VERSION / "greetings" / "0.2.0" if layout == HOME else packages
    home.mkdir(parents=True, exist_ok=True)
    tree = packages / "greetings"
    subprocess.run([BINARY, "jeu", "build", tree, home / "greetings.jeu"], check=True, capture_output=True)
    shutil.rmtree(tree)
    return {"MELODIUM_HOME" if layout == HOME else "CADENCE_MELODIUM_PACKAGES": str(packages)}


def visit(program: Program, source: Path, entrypoint: str = "main", **changes: Any) -> Any:
    changes.setdefault("parameters", {"who": given("string", "Ada")} if entrypoint == "main" else {})
    return program(entrypoint, source, treatment=f"visiting::{entrypoint}", **changes)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_program_uses_a_stored_package(
    program: Program, work: Work, source: Path, packages: Path, layout: str, sandbox: str
) -> None:
    runner = visit(program, source)
    done = work(runner, sandbox, env=stored(packages, layout))
    assert (done["outcome"], done["error"]) == ("succeeded", None), runner.text("stderr")
    assert [line.partition(" ")[2] for line in runner.text()] == ["info: greetings: Ada"]


@pytest.mark.parametrize("entrypoint", ["main", "through"])
def test_it_is_there_for_secret_texts_and_for_treatments_with_ports(
    gateway: FakeGateway, program: Program, work: Work, source: Path, packages: Path, entrypoint: str
) -> None:
    ports = {"inputs": [port("words", type_="string")], "outputs": [port("words", type_="string")]}
    hidden = {"hidden": {"who": "hidden-from-all"}, "parameters": {}} if entrypoint == "main" else {}
    runner = visit(program, source, entrypoint, ports={} if entrypoint == "main" else ports, **hidden)
    if entrypoint == "through":
        runner.inputs["words"] = feed(gateway, b"one\ntwo\n")
    done = work(runner, env=stored(packages, "tree"))
    assert (done["outcome"], done["error"]) == ("succeeded", None), runner.text("stderr")
    if entrypoint == "through":
        assert runner.outputs["words"].content == b"one\ntwo\n"
    else:
        assert [line.partition(" ")[2] for line in runner.text()] == ["info: greetings: ***"]


def test_a_package_that_is_not_stored_is_told_before_anything_runs(
    program: Program, work: Work, source: Path, packages: Path, sandbox: str
) -> None:
    compo = source / "Compo.toml"
    compo.write_text(compo.read_text().replace("^0.2.0", "^0.3.0"))
    runner = visit(program, source)
    done = work(runner, sandbox, env={**stored(packages, "archive"), "http_proxy": "", "https_proxy": ""})
    assert done["outcome"] == "failed"
    assert done["error"] == (
        "the engine refuses the program: failure: L0209: No package 'greetings (^0.3.0)' found. The program needs "
        "greetings (^0.3.0), and this machine stores greetings 0.2.0: store what is needed in a folder that "
        "CADENCE_MELODIUM_PACKAGES names on the host or in the image, or use an engine that was built with it"
    )
    assert runner.text() == []


@needs_bubblewrap
def test_a_program_cannot_change_the_packages_of_the_next_one(
    program: Program, work: Work, source: Path, packages: Path
) -> None:
    root = packages / "greetings" / "lib-root.mel"
    before = root.read_bytes()
    runner = visit(program, source, "changes", parameters={"file": given("string", str(root))})
    done = work(runner, "bwrap", env=stored(packages, "tree"))
    assert (done["outcome"], done["error"]) == ("succeeded", None), runner.text("stderr")
    assert root.read_bytes() == before
    assert sorted(path.name for path in packages.rglob("*")) == ["Compo.toml", "greetings", "lib-root.mel"]


def test_packages_that_commands_without_a_sandbox_could_change_are_not_used(
    program: Program, start: Start, source: Path, packages: Path
) -> None:
    """A host's runners share its machine; that of a single runner is its own."""
    runner = visit(program, source)
    start(runner, env=stored(packages, "tree"), words=("--attached",))
    eventually(lambda: runner.completed)
    assert runner.completed and runner.completed["outcome"] == "failed"
    assert (
        f"The packages in {packages} are not used, since commands on this machine run without a sandbox and can "
        in (runner.completed["error"])
    )
