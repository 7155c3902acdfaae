"""Podman as this machine allows it, and an image made here from a static busybox: nothing is pulled."""

import io
import os
import shlex
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

# Each test process has its own, since it removes it at its end.
IMAGE = f"localhost/cadence-agent-test:{os.getpid()}"
BUSYBOX = Path("/bin/busybox")
APPLETS = (
    "sh",
    "cat",
    "echo",
    "env",
    "id",
    "sleep",
    "sha256sum",
    "wc",
    "nc",
    "touch",
    "test",
    "ls",
    "kill",
    "mkdir",
    "cp",
)
_WITHOUT_LIMITS = "--ulimit nofile=512:512 --ulimit nproc=1000:1000 --runtime runc"
#: What a container needs where it may not change its limits, or its network either, as in some virtual machines.
ARGUMENTS = ("", _WITHOUT_LIMITS, f"--network host {_WITHOUT_LIMITS}")
SECONDS = 60


def podman(*arguments: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(["podman", *arguments], input=stdin, capture_output=True, check=False, timeout=SECONDS)


@contextmanager
def working() -> Iterator[list[str]]:
    """The image is there, and the arguments are those with which its containers start. Skips where there are none."""
    if not shutil.which("podman"):
        pytest.skip("podman is not installed (apt-get install podman runc)")
    if not BUSYBOX.exists():
        pytest.skip("busybox, the image's only content, is not installed (apt-get install busybox-static)")
    imported = podman("import", "-", IMAGE, stdin=content())
    if imported.returncode:
        pytest.skip(f"podman cannot make an image here: {imported.stderr.decode()[-200:]}")
    try:
        tried = {each: podman("run", "--rm", *shlex.split(each), IMAGE, "/bin/echo", "hi") for each in ARGUMENTS}
        found = [each for each, done in tried.items() if done.stdout == b"hi\n"]
        if not found:
            pytest.skip(f"podman cannot start a container here: {tried[ARGUMENTS[-1]].stderr.decode()[-200:]}")
        yield found
    finally:
        podman("image", "rm", "--force", IMAGE)


def content(**scripts: str) -> bytes:
    """An image's files: busybox under the names of its applets, and these scripts, all in /bin."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        archive.add(BUSYBOX, "bin/busybox")
        for applet in APPLETS:
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
        for name, text in scripts.items():
            script = tarfile.TarInfo(f"bin/{name}")
            script.size, script.mode = len(text.encode()), 0o755
            archive.addfile(script, io.BytesIO(text.encode()))
    return written.getvalue()
