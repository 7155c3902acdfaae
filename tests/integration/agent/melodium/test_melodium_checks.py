"""Programs that were written for earlier engines are refused with the engine's own words, and pass once they are
mended.
"""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from runner_bootstrap.agent.programs import driver
from runner_bootstrap.agent.shared.errors import TreatmentFailed
from tests.e2e.engine import BINARY, HAS_SECRETS, PROGRAMS, in_version, needs_engine

pytestmark = [pytest.mark.engine, needs_engine]

STALE = PROGRAMS / "stale"
_ASK = "distant[distant_engine=workers](max_duration=60, memory=50, cpu=50, storage=1"

# What may be left out since.
_REQUIRED_THEN = (
    "at line 12 position 8 'workers': D0022: Parameter 'api_token' of 'work/distant::DistantEngine' is not set",
)

# By file: what the engine says, with positions, and what the program would have to be today.
PROGRAMS_OF_THEN: Mapping[str, tuple[tuple[str, ...], Mapping[str, str]]] = {
    "wrong_type.mel": (
        (
            (
                "at line 11 position 55 'api_token': D0197: Datatype does not match for 'api_token' of "
                "'cicd/runners::CicdDispatchEngine' in 'stale::main', "
                "Option<Secret<string>> (Secret<string>) expected but 'api_token' is string"
            ),
        ),
        {"const api_token: string": "const api_token: Option<Secret<string>> = _"},
    ),
    "removed_parameters.mel": (
        (
            "at line 12 position 31 'address': D0194: Parameter 'address' does not exist for 'work/distant::DistantEngine'",
            "at line 12 position 48 'key': D0194: Parameter 'key' does not exist for 'work/distant::DistantEngine'",
            *(() if HAS_SECRETS else _REQUIRED_THEN),
            "at line 15 position 4 'askFor': D0023: Parameter 'service_containers' of 'work/distant::distant' is not set",
        ),
        {
            "address=address, key=key": 'location="api", api_url=_, api_token=_',
            "containers=[])": "containers=[], service_containers=[], tags=[])",
        },
    ),
    "removed_elements.mel": (
        ("Element 'distrib::distributionFailure (^0.11.0)' not found", "Element 'distrib::ready (^0.11.0)' not found"),
        {
            "use distrib::ready\nuse distrib::distributionFailure": "use distrib::stop",
            "ready[distribution_engine=distributor]()": "startup()\n    stop[distributor=distributor]()",
            "ready.trigger -> say.trigger": "startup.trigger -> stop.trigger\n    startup.trigger -> say.trigger",
        },
    ),
    "moved_elements.mel": (
        ("Element 'work::DistantEngine (^0.11.0)' not found", "Element 'work::Access (^0.11.0)' not found"),
        {
            "use work::DistantEngine": "use work/distant::DistantEngine",
            "use work::distant": "use work/distant::distant",
            "use work::Access": "use work/access::Access",
            f"{_ASK})": f"{_ASK}, edition=_, arch=_, volumes=[], containers=[], service_containers=[], tags=[])",
        },
    ),
    "undeclared_model.mel": (
        ("at line 17 position 48 no model declared as 'logger'",),
        {
            "const api_token: Option<string> = _": "const api_token: Option<Secret<string>> = _",
            "runner=runner, logger=logger]": "runner=runner]",
            "storage=100)": "storage=100, edition=_, arch=_, max_duration=60, volumes=[], containers=[], service_containers=[])",
        },
    ),
    "missing_package/Compo.toml": (
        ("No package 'log (=0.11.0)' found",),
        {
            'log = "=0.11.0"\n': "",
            "use log::logs": "use std/engine/log::logInfoMessage",
            "    logs()": '    logs: logInfoMessage(label="main", message="x")',
        },
    ),
}


def says(folder: Path, file: str, entrypoint: str = "main") -> str:
    """What the engine's check has against a program; nothing, if it takes it."""
    said = {"binary": str(BINARY), "file": file, "entrypoint": entrypoint, "packages": [], "unused_packages": []}
    work = folder / "work"
    work.mkdir(exist_ok=True)
    if not (work / "program").exists():
        (work / "program").symlink_to(folder / "program")
    try:
        driver.check(said, work)
    except TreatmentFailed as error:
        return str(error)
    return ""


def laid_out(folder: Path, name: str, mended: Mapping[str, str]) -> str:
    """Into `folder`/program, changed; the file to check. All changes have to be possible."""
    source = STALE / name
    files = [source] if source.suffix == ".mel" else sorted(source.parent.iterdir())
    replaced = 0
    (folder / "program").mkdir()
    for file in files:
        text = file.read_text()
        for old, new in ((in_version(old), in_version(new)) for old, new in mended.items()):
            replaced += text.count(old)
            text = text.replace(old, new)
        (folder / "program" / file.name).write_text(text)
    assert replaced >= len(mended)
    return source.name


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that is missing is looked for at an address that leads nowhere."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("name", PROGRAMS_OF_THEN)
def test_what_is_stale_is_refused_with_the_engines_words(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    words, _ = PROGRAMS_OF_THEN[name]
    said = says(tmp_path, laid_out(tmp_path, name, {}))
    assert said.startswith("the engine refuses the program: failure: "), said
    log = capfd.readouterr().err  # where all of it is, and not only as much as a cause holds
    missing = [each for each in words if in_version(each) not in log]
    assert not missing, log


@pytest.mark.parametrize("name", PROGRAMS_OF_THEN)
def test_what_is_mended_is_accepted(tmp_path: Path, name: str) -> None:
    _, mended = PROGRAMS_OF_THEN[name]
    assert says(tmp_path, laid_out(tmp_path, name, mended)) == ""


def made_by_the_engine(tmp_path: Path) -> None:
    env = {"HOME": str(tmp_path), "MELODIUM_HOME": str(tmp_path), "NO_COLOR": "1", "PATH": os.environ["PATH"]}
    argv = [str(BINARY), "new", "--template", "cicd", "program"]
    subprocess.run(argv, env=env, cwd=tmp_path, capture_output=True, timeout=60, check=True)


@pytest.mark.skipif(not HAS_SECRETS, reason="the programs that earlier engines make are stale")
def test_the_programs_that_the_engine_itself_makes_are_accepted(tmp_path: Path) -> None:
    made_by_the_engine(tmp_path)
    assert [says(tmp_path, "Compo.toml", entrypoint) for entrypoint in ("main", "advanced")] == ["", ""]


@pytest.mark.skipif(HAS_SECRETS, reason="the programs that this engine makes are its own of today")
def test_the_programs_that_the_engine_itself_makes_are_stale(tmp_path: Path) -> None:
    made_by_the_engine(tmp_path)
    assert "at line 23 position 33 'api_token': D0197: Datatype does not match" in says(tmp_path, "Compo.toml")
    advanced = says(tmp_path, "Compo.toml", "advanced")
    for line in (61, 110):
        assert f"program/advanced.mel: S0143: at line {line} position 8 no model declared as 'logger'" in advanced
    for file in ("lib-root.mel", "advanced.mel"):
        path = tmp_path / "program" / file
        text = path.read_text().replace("const api_token: string,", "const api_token: Option<string> = _,")
        path.write_text(text.replace("runner=runner,\n        logger=logger\n", "runner=runner\n"))
    assert [says(tmp_path, "Compo.toml", entrypoint) for entrypoint in ("main", "advanced")] == ["", ""]


@pytest.mark.parametrize("name", ["counting.mel", "captured.mel", "three_workers.mel", "nesting.mel", "step.mel"])
def test_programs_of_today_are_accepted(tmp_path: Path, name: str) -> None:
    (tmp_path / "program").mkdir()
    (tmp_path / "program" / name).write_text((PROGRAMS / name).read_text())
    assert says(tmp_path, name) == ""
