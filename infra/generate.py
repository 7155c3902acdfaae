"""Writes what is generated from the rows of Lambdas: lists in ``pyproject.toml``, and ``docs/architecture/lambdas.md``.

``python -m infra.generate`` writes both; with ``--check`` it writes nothing, and fails if one of them is out of date.
"""

import argparse
import json
import re
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path

from infra.lambdas import LAMBDAS
from infra.packaging import REPOSITORY
from infra.row import LambdaRow

_PYPROJECT = REPOSITORY / "pyproject.toml"
_TABLE = REPOSITORY / "docs" / "architecture" / "lambdas.md"
# Modules of the library and of the agent in these lists are kept; every other entry is a Lambda.
_KEPT = {"cadence", "runner_bootstrap"}
# Lists of Lambdas: what precedes each, up to its opening bracket.
_LISTS = (
    r"\[tool\.importlinter\]\nroot_packages = ",
    r'name = "No part of a Lambda imports [^"]*"\ntype = "forbidden"\nsource_modules = ',
    r'name = "No Lambda knows another"\ntype = "independence"\nmodules = ',
)

_HEADER = """\
# Lambdas

<!-- Generated from the rows in infra/lambdas by `python -m infra.generate`: change the rows, not this file. -->

One row for each folder of `functions/` that is a Lambda, by room. The rows in `infra/lambdas/<room>.py` also hold its
size, permissions, settings and packages.

| folder | room | trigger | what it does |
|---|---|---|---|
"""


def generated() -> Mapping[Path, str]:
    """Returns the content that each generated file should have.

    Raises ``ValueError`` if a list of Lambdas is missing from ``pyproject.toml``.
    """
    return {_PYPROJECT: pyproject(_PYPROJECT.read_text()), _TABLE: _HEADER + "".join(map(_table_row, LAMBDAS.values()))}


def pyproject(text: str) -> str:
    """Returns the text of ``pyproject.toml`` with its lists of Lambdas renewed."""
    for before in _LISTS:
        text, count = re.subn(rf"({before})\[([^\]]*)\]", _renewed, text)
        if count != 1:
            raise ValueError(f"pyproject.toml holds {count} lists after {before!r}, not one: correct infra/generate.py")
    return text


def _renewed(found: re.Match[str]) -> str:
    listed = re.findall(r'"([^"]+)"', found[2])
    names = [name for name in listed if name.split(".")[0] in _KEPT] + sorted(LAMBDAS)
    lines = textwrap.wrap(", ".join(map(json.dumps, names)) + ",", width=116, break_long_words=False)
    return f"{found[1]}[\n{textwrap.indent(chr(10).join(lines), '    ')}\n]"


def _table_row(row: LambdaRow) -> str:
    return f"| `{row.folder}` | {row.room} | {'; '.join(map(str, row.triggers))} | {row.purpose} |\n"


def outdated() -> list[Path]:
    """Returns the generated files whose content is not what the rows say."""
    return [file for file, content in generated().items() if not file.is_file() or file.read_text() != content]


def main() -> int:
    """Runs the command line; returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, and fail if a file is out of date")
    files = outdated()
    if parser.parse_args().check:
        for file in files:
            print(f"{file.relative_to(REPOSITORY)} is out of date: run `python -m infra.generate`", file=sys.stderr)
        return 1 if files else 0
    content = generated()
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content[file])
        print(file.relative_to(REPOSITORY))
    return 0


if __name__ == "__main__":
    sys.exit(main())
