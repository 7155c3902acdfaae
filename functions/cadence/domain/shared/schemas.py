"""The JSON Schemas: in the folder `schemas` beside `cadence` or, in the repository, beside `functions`."""

import json
from functools import cache
from pathlib import Path
from typing import Any


@cache
def schemas_folder() -> Path:
    for folder in Path(__file__).resolve().parents:
        if (folder / "schemas" / "pipeline").is_dir():
            return folder / "schemas"
    raise FileNotFoundError(f"There is no folder `schemas` above {__file__}.")


@cache
def schema(thing: str) -> dict[str, Any]:
    """The schema of `thing` (`pipeline`, `runner-protocol`)."""
    read: dict[str, Any] = json.loads((schemas_folder() / thing / "1.json").read_text(encoding="utf-8"))
    return read
