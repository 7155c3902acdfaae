"""Builds the agent: ``python -m runner_bootstrap.build [--bytecode] <out.pyz>``.

The same sources give the same bytes (sorted names, fixed times and modes, no compression, since zlib's output varies),
so a digest identifies an agent. With ``--bytecode`` they depend on this Python, too: what it compiles is included, and
the agent starts in less than half the time where the same version runs it. Other versions compile the sources.
"""

from __future__ import annotations

import os
import py_compile
import sys
import tempfile
import zipfile
from pathlib import Path

SOURCES = Path(__file__).resolve().parent / "agent"
SHEBANG = b"#!/usr/bin/env python3\n"
ENTRY_POINT = "import sys\n\nfrom agent.__main__ import main\n\nsys.exit(main())\n"
# The earliest time that a zip file can hold.
EPOCH = (1980, 1, 1, 0, 0, 0)


def build(out: Path, sources: Path = SOURCES, *, bytecode: bool = False) -> Path:
    """Writes the zipapp to ``out`` (replaced in one step) and returns its path."""
    out.parent.mkdir(parents=True, exist_ok=True)
    unfinished = out.with_name(f".{out.name}.{os.getpid()}")
    with unfinished.open("wb") as file:
        file.write(SHEBANG)
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            _add(archive, "__main__.py", ENTRY_POINT.encode())
            for name, source in sorted((path.relative_to(sources).as_posix(), path) for path in sources.rglob("*.py")):
                _add(archive, f"agent/{name}", source.read_bytes())
                if bytecode:
                    _add(archive, f"agent/{name}c", _compiled(source, f"agent/{name}"))
    unfinished.chmod(0o755)
    unfinished.replace(out)
    return out


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.external_attr = 0o100644 << 16
    entry.create_system = 3
    archive.writestr(entry, content)


def _compiled(source: Path, name: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        compiled = Path(folder, "compiled.pyc")
        unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
        py_compile.compile(str(source), str(compiled), dfile=name, doraise=True, invalidation_mode=unchecked)
        return compiled.read_bytes()


def main(arguments: list[str]) -> int:
    bytecode = arguments[:1] == ["--bytecode"]
    paths = arguments[1:] if bytecode else arguments
    if len(paths) != 1:
        print("usage: python -m runner_bootstrap.build [--bytecode] <out.pyz>", file=sys.stderr)
        return 2
    print(build(Path(paths[0]), bytecode=bytecode))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
