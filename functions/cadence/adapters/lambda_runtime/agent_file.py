"""The agent that machines download: one file at the root of the archive, which the infrastructure puts there."""

import hashlib
from functools import cache
from pathlib import Path

from cadence.domain.shared.errors import NotFound

NAME = "cadence-agent.pyz"


def agent_file(sha256: str) -> bytes:
    """Returns the agent. Raises NotFound unless the file has this digest (hex)."""
    content, digest = _read()
    if digest != sha256:
        raise NotFound("There is no agent with this digest: the machine was started by another version.")
    return content


def agent_digest() -> str:
    """Returns the SHA-256 (hex) of the agent that this installation has."""
    return _read()[1]


@cache
def _read() -> tuple[bytes, str]:
    for folder in Path(__file__).resolve().parents:
        if (folder / NAME).is_file():
            content = (folder / NAME).read_bytes()
            return content, hashlib.sha256(content).hexdigest()
    raise FileNotFoundError(f"There is no {NAME} above {__file__}.")
