"""Logins of private registries exist only for the container engine, and only while it pulls images."""

import base64
import json
import stat
from pathlib import Path

from runner_bootstrap.agent.containers.registries import RegistryLogins, texts_to_mask


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
