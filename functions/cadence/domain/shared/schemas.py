"""Reads the JSON Schemas from the folder `schemas` beside `cadence` or, in the repository, beside `functions`."""

import json
from functools import cache
from pathlib import Path
from typing import Any


@cache
def schemas_folder() -> Path:
    """Returns the folder of the schemas. Raises FileNotFoundError if there is none above this file."""
    for folder in Path(__file__).resolve().parents:
        if (folder / "schemas" / "pipeline").is_dir():
            return folder / "schemas"
    raise FileNotFoundError(f"There is no folder `schemas` above {__file__}.")


@cache
def schema(name: str) -> dict[str, Any]:
    """Returns the schema with a name (`pipeline`, `runner-protocol`)."""
    content: dict[str, Any] = json.loads((schemas_folder() / name / "1.json").read_text(encoding="utf-8"))
    return content
