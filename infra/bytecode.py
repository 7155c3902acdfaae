"""Bytecode in archives, for the version of Python that runs them.

The files of a Lambda cannot be written: without bytecode, each cold start compiles all that it imports.
"""

import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_PROGRAM = Path(__file__).with_name("compile_tree.py")


@dataclass(frozen=True)
class Interpreter:
    """A Python interpreter of this machine; `version` is its full version."""

    executable: str
    version: str

    def compile(self, folder: Path) -> list[str]:
        """Writes the bytecode of all files below ``folder``; returns the names of those that do not compile."""
        # A fixed seed gives the elements of sets one order.
        command = [self.executable, "-S", "-P", str(_PROGRAM), str(folder)]
        return _output(command, {"PYTHONHASHSEED": "0"}).splitlines()


@cache
def interpreter(version: str) -> Interpreter | None:
    """Returns an interpreter of a minor version (``3.14``) that this machine has; without one, tells what to do."""
    uv = str(Path(sys.executable).with_name("uv"))
    command = [uv, "python", "find", "--no-python-downloads", "--no-project", "--system", version]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    if found.returncode:
        print(
            f"Archives get no bytecode, since this machine has no Python {version}: each cold start of a Lambda "
            f"compiles what it imports. Install it (uv python install {version}) and build again.",
            file=sys.stderr,
        )
        return None
    executable = found.stdout.strip()
    return Interpreter(executable, _output([executable, "-I", "-c", "import sys; print(sys.version)"], None))


def _output(command: list[str], environment: dict[str, str] | None) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]} could not compile an archive:\n{done.stderr.strip()}")
    return done.stdout.strip()
