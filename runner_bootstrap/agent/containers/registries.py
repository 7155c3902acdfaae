"""Logins of private registries in a file for podman and docker, which exists only while images are pulled."""

from __future__ import annotations

import base64
import json
import os
import shutil
import tempfile
from pathlib import Path

_DOCKER_HUB = "docker.io"
_DOCKER_HUBS_OWN = "https://index.docker.io/v1/"
_TOKEN_USER = "token"


class RegistryLogins:
    """A context manager; inside, ``environment`` makes an engine use the logins. Only the owner can read the file."""

    def __init__(self, secrets: dict[str, str]) -> None:
        self._secrets = secrets
        self._folder: Path | None = None

    def __enter__(self) -> RegistryLogins:
        if self._secrets:
            self._folder = Path(tempfile.mkdtemp(prefix="cadence-registries-"))
            file = os.open(self._folder / "config.json", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(file, "w", encoding="utf-8") as config:
                json.dump({"auths": _auths(self._secrets)}, config)
        return self

    def __exit__(self, *_: object) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    @property
    def environment(self) -> dict[str, str]:
        """Variables for the engine itself, not for its containers; none if there are no logins."""
        if self._folder is None:
            return {}
        return {"REGISTRY_AUTH_FILE": str(self._folder / "config.json"), "DOCKER_CONFIG": str(self._folder)}


def _auths(secrets: dict[str, str]) -> dict[str, dict[str, str]]:
    auths = {}
    for host, secret in secrets.items():
        text = secret.strip()
        pair = text if ":" in text else f"{_TOKEN_USER}:{text}"
        auths[host] = {"auth": base64.b64encode(pair.encode()).decode()}
    if _DOCKER_HUB in auths:
        auths[_DOCKER_HUBS_OWN] = auths[_DOCKER_HUB]
    return auths


def texts_to_mask(secrets: dict[str, str]) -> list[str]:
    """Returns every text of the logins to mask: each secret, its password, and both in the file's encoding."""
    texts = [text for secret in secrets.values() for text in (secret, secret.strip().partition(":")[2])]
    return [text for text in [*texts, *(entry["auth"] for entry in _auths(secrets).values())] if text]
