"""Packages that are stored on a machine: where they are, what could change them, and what is said without them."""

from __future__ import annotations

import bz2
import io
import tarfile
from pathlib import Path

import pytest

from runner_bootstrap.agent.melodium import stored_packages
from runner_bootstrap.agent.programs import missing_packages

COMPO = 'name = "greetings"\nversion = "0.2.0"\n\n[dependencies]\nstd = "=0.11.0"\nname = "not-this"\n'
MISSING = [
    "failure: L0209: No package 'greetings (^0.3.0)' found",
    "error: L0214: R0016: Network error: failed to lookup address information",
]
TO_DO = (
    "store what is needed in a folder that CADENCE_MELODIUM_PACKAGES names on the host or in the image, or use an "
    "engine that was built with it"
)


def written(file: Path, content: str | bytes = "") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def jeu(compo: str) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        member = tarfile.TarInfo("Compo.toml")
        member.size = len(compo)
        tar.addfile(member, io.BytesIO(compo.encode()))
    return b"#!/usr/bin/env melodium\n#! version 0\n" + bz2.compress(archive.getvalue())


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, ()),
        ({"MELODIUM_HOME": "/opt/home"}, ("/opt/home",)),
        ({"MELODIUM_HOME": "/opt/home", "CADENCE_MELODIUM_PACKAGES": "/opt/a:/opt/b"}, ("/opt/a", "/opt/b")),
        ({"MELODIUM_HOME": "/opt/home", "CADENCE_MELODIUM_PACKAGES": ""}, ()),
    ],
)
def test_folders_are_those_of_the_variable_or_the_home_of_engines(
    variables: dict[str, str], expected: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (stored_packages.FOLDERS, stored_packages.HOME):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert tuple(map(str, stored_packages.folders())) == expected


@pytest.mark.parametrize("name", ["a.jeu", "a.mel", "a/Compo.toml", "Compo.toml"])
def test_a_folder_has_packages_itself(tmp_path: Path, name: str) -> None:
    assert stored_packages.locations(tmp_path, "0.11.0") == []
    written(tmp_path / name)
    assert stored_packages.locations(tmp_path, "0.11.0") == [str(tmp_path)]


def test_the_home_of_engines_has_packages_by_version_the_newest_first(tmp_path: Path) -> None:
    for version in ("0.9.0", "0.10.0"):
        written(tmp_path / "0.11.0" / "greetings" / version / "greetings.jeu")
    written(tmp_path / "0.10.2" / "greetings" / "0.1.0" / "greetings.jeu")
    written(tmp_path / "0.11.0" / "packages.json", "[]")
    home = tmp_path / "0.11.0" / "greetings"
    assert stored_packages.locations(tmp_path, "0.11.0") == [str(home / "0.10.0"), str(home / "0.9.0")]
    assert stored_packages.locations(tmp_path / "nowhere", "0.11.0") == []


def test_what_this_user_can_write_is_changeable(tmp_path: Path) -> None:
    assert stored_packages.changeable(tmp_path) == tmp_path


def test_a_missing_package_is_told_with_those_that_are_there(tmp_path: Path) -> None:
    written(tmp_path / "greetings.jeu", jeu(COMPO))
    written(tmp_path / "script.mel", "#!/usr/bin/env melodium\n#! name = script\n#! version = 1.0.0\n\n")
    written(tmp_path / "tools" / "Compo.toml", COMPO.replace("greetings", "tools"))
    written(tmp_path / "broken.jeu", b"#!\n#!\nnot compressed")
    told = missing_packages.explained(MISSING, [str(tmp_path)], ["There are no packages in /opt/none"])
    stored = "tools 0.2.0, broken.jeu 0.1.0, greetings 0.2.0, script 1.0.0"
    assert told == (
        f"The program needs greetings (^0.3.0), and this machine stores {stored}: {TO_DO}. "
        "There are no packages in /opt/none"
    )


def test_a_package_by_itself_is_named(tmp_path: Path) -> None:
    written(tmp_path / "Compo.toml", COMPO)
    written(tmp_path / "part.mel")
    told = missing_packages.explained(MISSING, [str(tmp_path)], [])
    assert told.startswith("The program needs greetings (^0.3.0), and this machine stores greetings 0.2.0: ")


def test_several_missing_packages_are_told_once_each_and_the_repository_is_not_blamed() -> None:
    faults = [*MISSING, *MISSING, "failure: L0209: No package 'ml (*)' found"]
    told = missing_packages.explained(faults, [], [])
    assert told == f"The program needs greetings (^0.3.0) and ml (*), and this machine stores none: {TO_DO}"
    assert missing_packages.without_repository(faults) == [MISSING[0], MISSING[0], faults[-1]]


def test_other_faults_are_left_as_they_are() -> None:
    faults = ["failure: L0192: Script error", MISSING[1]]
    assert missing_packages.explained(faults, [], []) == ""
    assert missing_packages.without_repository(faults) == faults
