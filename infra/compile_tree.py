"""Compiles the Python files below a folder: ``python compile_tree.py DIR``, run by the interpreter that is to use them.

The bytecode is used without looking at the source's time or content (unchecked, PEP 552), since archives do not change.
The same source gives the same bytes: each file is compiled by a copy of the same process, since what a compilation
shares between constants depends on those before it, and the caller fixes the hashes of strings. What marshal writes of
shared objects depends on how often each is referred to, which is the same once it was read from its own bytes.
"""

import importlib.util
import marshal
import os
import sys
from pathlib import Path

_UNCHECKED_HASH = (1).to_bytes(4, "little")
_DOES_NOT_COMPILE = 3


def compile_tree(folder: Path) -> list[str]:
    """Writes the bytecode of each file beside it; returns the names of files that do not compile, such as templates."""
    failed = []
    for source in sorted(folder.rglob("*.py")):
        name = source.relative_to(folder).as_posix()
        status = _in_a_copy(source, name)
        if status == _DOES_NOT_COMPILE:
            failed.append(name)
        elif status:
            raise RuntimeError(f"compiling {name} ended with status {status}")
    return failed


def _in_a_copy(source: Path, name: str) -> int:
    """Compiles a file in a copy of this process; returns its exit status."""
    process = os.fork()
    if process:
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    status = 1
    try:
        status = _compile(source, name)
    finally:
        os._exit(status)


def _compile(source: Path, name: str) -> int:
    content = source.read_bytes()
    try:
        code = compile(content, name, "exec", dont_inherit=True, optimize=0)
    except (SyntaxError, ValueError):
        return _DOES_NOT_COMPILE
    written = marshal.dumps(marshal.loads(marshal.dumps(code)))  # noqa: S302 (its own bytes)
    compiled = Path(importlib.util.cache_from_source(str(source), optimization=""))
    compiled.parent.mkdir(exist_ok=True)
    header = importlib.util.MAGIC_NUMBER + _UNCHECKED_HASH + importlib.util.source_hash(content)
    compiled.write_bytes(header + written)
    return 0


if __name__ == "__main__":
    print("\n".join(compile_tree(Path(sys.argv[1]))))
