"""Explains an engine's refusal of a program that requires packages which are not there."""

from __future__ import annotations

import bz2
import re
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Optional

_MISSING = re.compile(r"No package '([^']+)' found")
#: What engines add when their repository in the network did not answer, which the check never asks.
_REPOSITORY = re.compile(r"error: \S+ \S+ Network error: ")
_FIELD = re.compile(r"""\s*(?:#!\s*)?(name|version)\s*=\s*["']?([^"'\s]+)""")
_MOST_NAMED = 20


def without_repository(faults: Sequence[str]) -> list[str]:
    """Returns an engine's faults without those about its repository, if packages are missing."""
    if not any(map(_MISSING.search, faults)):
        return list(faults)
    return [fault for fault in faults if not _REPOSITORY.match(fault)]


def explained(faults: Sequence[str], locations: Sequence[str], hints: Sequence[str]) -> str:
    """Returns which packages are needed, which are stored here, and what to do; empty if no package is missing.

    ``locations`` are the paths that the engine has searched, ``hints`` sentences about folders that it has not.
    """
    missing = list(dict.fromkeys(match[1] for fault in faults for match in _MISSING.finditer(fault)))
    if not missing:
        return ""
    names = list(dict.fromkeys(name for location in locations for name in _stored(Path(location))))
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    stored = f"this machine stores {', '.join(names[:_MOST_NAMED])}{more}" if names else "this machine stores none"
    need = (
        f"The program needs {' and '.join(missing)}, and {stored}: store what is needed in a folder that "
        "CADENCE_MELODIUM_PACKAGES names on the host or in the image, or use an engine that was built with it"
    )
    return ". ".join([need, *hints])


def _stored(location: Path) -> Iterator[str]:
    """Yields the packages of a location with their versions; files that are no packages by their names."""
    own = location / "Compo.toml"
    several = [file for pattern in ("*/Compo.toml", "*.jeu", "*.mel") for file in sorted(location.glob(pattern))]
    for file in [own] if own.is_file() else several:
        fields = _fields(_header(file))
        yield f"{fields.get('name') or file.name} {fields.get('version') or '0.1.0'}"


def _header(file: Path) -> Iterable[str]:
    """Returns the lines with a package's name and version, as far as they can be read."""
    try:
        text = _of_archive(file) if file.suffix == ".jeu" else file.read_text("utf-8", "replace")
    except (OSError, EOFError, tarfile.TarError):
        text = None
    lines = (text or "").splitlines()
    tables = [index for index, line in enumerate(lines) if line.startswith("[")]
    return lines[: tables[0]] if tables else lines


def _of_archive(file: Path) -> Optional[str]:
    """Returns the Compo.toml of a ``.jeu``: two lines, then a compressed archive whose first member it is."""
    with file.open("rb") as opened:
        opened.readline(), opened.readline()
        with bz2.open(opened) as content, tarfile.open(fileobj=content, mode="r|") as archive:
            for member in archive:
                source = archive.extractfile(member) if Path(member.name).name == "Compo.toml" else None
                if source is not None:
                    return source.read().decode("utf-8", "replace")
    return None


def _fields(lines: Iterable[str]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in lines:
        match = _FIELD.match(line)
        if match:
            fields.setdefault(match[1], match[2])
    return fields
