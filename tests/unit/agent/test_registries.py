"""Logins of private registries exist only while images are pulled; images that no registry has are never pulled."""

import base64
import json
import stat
from pathlib import Path

import pytest

from runner_bootstrap.agent.containers.container_engine import ContainerEngine
from runner_bootstrap.agent.containers.registries import RegistryLogins, texts_to_mask
from runner_bootstrap.agent.shared.errors import TreatmentFailed


def test_both_engines_find_the_logins_in_a_file_of_their_own() -> None:
    with RegistryLogins({"ghcr.io": "ada:lovelace", "docker.io": "t0k3n\n"}) as logins:
        file = Path(logins.environment["REGISTRY_AUTH_FILE"])
        assert file == Path(logins.environment["DOCKER_CONFIG"]) / "config.json"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        auths = json.loads(file.read_text())["auths"]

    assert {host: base64.b64decode(one["auth"]).decode() for host, one in auths.items()} == {
        "ghcr.io": "ada:lovelace",
        "docker.io": "token:t0k3n",
        "https://index.docker.io/v1/": "token:t0k3n",
    }
    assert not file.parent.exists()
    assert logins.environment == {}


def test_without_logins_nothing_is_written() -> None:
    with RegistryLogins({}) as logins:
        assert logins.environment == {}


def test_neither_the_secret_nor_its_password_nor_the_file_s_form_of_it_is_shown() -> None:
    encoded = base64.b64encode(b"ada:lovelace").decode()

    assert {"ada:lovelace", "lovelace", encoded} <= set(texts_to_mask({"ghcr.io": "ada:lovelace"}))
    assert texts_to_mask({}) == []


def engine(folder: Path, has: str, working: bool = True) -> ContainerEngine:
    """An engine that has one image, or that answers nothing."""
    program = folder / "podman"
    program.write_text(
        "#!/bin/sh\n"
        f"{'' if working else 'exit 125'}\n"
        'case "$1 $2" in\n'
        f"'image inspect') [ \"$3\" = {has} ] ;;\n"
        "'image ls') exit 0 ;;\n"
        "*) exit 125 ;;\n"
        "esac\n"
    )
    program.chmod(0o755)
    return ContainerEngine(str(program), "01r")


def test_a_local_image_that_is_missing_fails_the_treatment(tmp_path: Path) -> None:
    podman = engine(tmp_path, "localhost/built:1")

    podman.require_local("localhost/built:1")
    with pytest.raises(TreatmentFailed, match=r"the image localhost/other:1 is not on this machine.* with podman"):
        podman.require_local("localhost/other:1")


def test_other_images_and_engines_that_do_not_work_are_left_to_the_pull(tmp_path: Path) -> None:
    podman = engine(tmp_path, "none", working=False)

    for image in ("python:3.13", "localhost:5000/app:1", "localhost/built:1"):
        podman.require_local(image)
