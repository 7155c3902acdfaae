"""Small files that are replaced as a whole and that other users cannot read."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any


def write_private(path: Path, content: str) -> None:
    """Replaces `path` in one step: a reader sees the old content or the new one, never a part."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # made with mode 0600
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
    Path(temporary).replace(path)


def write_private_json(path: Path, content: dict[str, Any]) -> None:
    """Replaces `path` with a JSON object, as `write_private` does."""
    write_private(path, json.dumps(content, indent=2) + "\n")


def read_json(path: Path) -> dict[str, Any] | None:
    """The content of `path`, or None if there is no such file or it holds no JSON object."""
    try:
        content = json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return content if isinstance(content, dict) else None
