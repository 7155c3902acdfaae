"""Images for tests, made of this machine's own files: nothing is pulled."""

import io
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.agent.podman import BUSYBOX, podman

_PYTHON = Path("/usr/bin/python3")
_APPLETS = (
    *("sh", "cat", "echo", "env", "id", "sleep", "wc", "tar", "mkfifo", "mkdir", "rm", "ls", "test", "kill", "grep"),
    *(
        "awk",
        "sed",
        "seq",
        "head",
        "tail",
        "nc",
        "touch",
        "chmod",
        "tr",
        "sort",
        "dd",
        "cut",
        "true",
        "false",
        "printf",
    ),
)
REPOSITORY = Path(__file__).parents[2]


def runner_base(*programs: Path) -> bytes:
    """The files of an image that `runner_bootstrap/Containerfile` can start from: Python, a shell, tar; and further
    programs.

    Skips where they cannot be had.
    """
    if not BUSYBOX.exists():
        pytest.skip("busybox is not installed (apt-get install busybox-static)")
    if not _PYTHON.exists():
        pytest.skip("this machine has no Python of its own")
    said = [
        str(_PYTHON),
        "-c",
        "import sys, sysconfig; print(sys.version_info >= (3, 9), sysconfig.get_path('stdlib'))",
    ]
    new_enough, library = subprocess.run(said, check=True, capture_output=True, text=True).stdout.split()
    if new_enough != "True":
        pytest.skip("this machine's own Python is older than 3.9")
    files = {_PYTHON.resolve(), *programs, *Path(library, "lib-dynload").glob("*.so")}
    needed = {library for file in files for library in _libraries(file)}
    # What a thread needs to end, and nobody names.
    needed |= set(Path("/lib").glob("*/libgcc_s.so.1"))
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        archive.add(BUSYBOX, "bin/busybox")
        for applet in _APPLETS:
            _link(archive, f"bin/{applet}", "busybox")
        archive.add(_PYTHON.resolve(), "usr/bin/python3")
        archive.add(library, library.lstrip("/"), filter=_without_tests)
        for program in programs:
            archive.add(program, f"usr/bin/{program.name}")
        for file in sorted(needed):
            archive.add(file.resolve(), str(file).lstrip("/"))
        for folder, mode in (("tmp", 0o1777), ("cadence", 0o755), ("etc", 0o755)):
            made = tarfile.TarInfo(folder)
            made.type, made.mode = tarfile.DIRTYPE, mode
            archive.addfile(made)
    return written.getvalue()


@contextmanager
def imported(name: str, content: bytes) -> Iterator[str]:
    """An image of these files, named `localhost/name`, for as long as it is needed."""
    image = f"localhost/{name}:{os.getpid()}"
    made = podman("import", "-", image, stdin=content)
    if made.returncode:
        pytest.skip(f"podman cannot make an image here: {made.stderr.decode()[-200:]}")
    try:
        yield image
    finally:
        podman("image", "rm", "--force", image)


@contextmanager
def runner_image(arguments: list[str], *programs: Path) -> Iterator[str]:
    """The image of runners, built from the shipped file upon this machine's own files; `arguments` are podman's for
    starting anything here.
    """
    if not shutil.which("podman"):
        pytest.skip("podman is not installed (apt-get install podman)")
    name = "cadence-test-runner" + "".join(f"-{program.name}" for program in programs)
    image = f"localhost/{name}:{os.getpid()}"
    with imported(f"{name}-base", runner_base(*programs)) as base:
        given = ["--build-arg", f"BASE={base}", "--build-arg", "PACKAGES="]
        folder = str(REPOSITORY / "runner_bootstrap")
        made = podman("build", "--quiet", "--tag", image, *arguments, *given, folder)
        assert made.returncode == 0, made.stderr.decode()
        try:
            yield image
        finally:
            podman("image", "rm", "--force", image)


def _libraries(file: Path) -> Iterator[Path]:
    told = subprocess.run(["ldd", str(file)], capture_output=True, text=True, check=False).stdout
    for found in re.findall(r"(?:=> )?(/\S+) \(0x", told):
        yield Path(found)


def _link(archive: tarfile.TarFile, name: str, target: str) -> None:
    link = tarfile.TarInfo(name)
    link.type, link.linkname = tarfile.SYMTYPE, target
    archive.addfile(link)


def _without_tests(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    unwanted = ("/test", "/idlelib", "/__pycache__", "/ensurepip", "/lib2to3", "/pydoc_data", "/config-")
    return None if any(each in entry.name for each in unwanted) else entry
