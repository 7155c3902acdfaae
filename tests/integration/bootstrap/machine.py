"""A machine: a root of its own, what cloud-init writes into it, and the script that cloud-init would run at a boot."""

import base64
import gzip
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.programs import WITHOUT_BUBBLEWRAP, bubblewrap

SECONDS = 60


@dataclass(frozen=True)
class Booted:
    """`console` is what the machine printed; `switched_off` the arguments of each shutdown, in order."""

    status: int
    console: str
    switched_off: list[str]


class Machine:
    """Made from cloud-init's document as cloud-init would, in a sandbox that has this machine's programs."""

    def __init__(self, folder: Path, document: str) -> None:
        if bubblewrap() is None:
            pytest.skip(f"{WITHOUT_BUBBLEWRAP}, which is the machine")
        self.folder = folder
        self.state = folder / "var" / "lib"
        self.programs = folder / "programs"
        self.script = ""
        self.programs.mkdir(parents=True)
        self.program("shutdown", 'echo "$@" >>/var/lib/switched-off')
        assert document.startswith("#cloud-config\n")
        for file in yaml.safe_load(document)["write_files"]:
            self._write(file)
            if "per-boot" in file["path"]:
                self.script = file["content"].partition("exec ")[2].strip()

    def program(self, name: str, script: str) -> None:
        """A program of the machine that it finds first."""
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def boot(self, *, python: bool = True, curl: bool = True, **variables: str) -> Booted:
        sandbox = ["bwrap", "--die-with-parent", "--unshare-pid", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]
        for place in ("/usr", "/bin", "/lib", "/lib64", "/etc", sys.base_prefix, sys.prefix):
            if Path(place).exists():
                sandbox += ["--ro-bind", place, place]
        sandbox += ["--bind", str(self.state), "/var/lib", "--ro-bind", str(self.programs), "/programs", "--clearenv"]
        path = ["/programs"]
        if python:
            path.append(str(Path(sys.executable).parent))
        tools = self.folder / "tools"
        tools.mkdir(exist_ok=True)
        for name in ("cat", "rm", "sh", *(("curl",) if curl else ())):
            found = shutil.which(name)
            if found and not (tools / name).exists():
                (tools / name).symlink_to(found)
        sandbox += ["--ro-bind", str(tools), "/tools", "--setenv", "PATH", ":".join([*path, "/tools"])]
        for name, value in variables.items():
            sandbox += ["--setenv", name, value]
        done = subprocess.run(
            [*sandbox, "/bin/sh", "-c", self.script],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=SECONDS,
            check=False,
        )
        off = self.state / "switched-off"
        return Booted(done.returncode, done.stdout.decode(), off.read_text().splitlines() if off.exists() else [])

    def _write(self, file: dict[str, str]) -> None:
        path = self.state / Path(file["path"]).relative_to("/var/lib")
        path.parent.mkdir(parents=True, exist_ok=True)
        if file.get("encoding") == "gz+b64":
            path.write_bytes(gzip.decompress(base64.b64decode(file["content"])))
        else:
            path.write_text(file["content"])
        path.chmod(int(file["permissions"], 8))

    @property
    def files(self) -> list[str]:
        place = self.state / "cadence"
        return sorted(str(path.relative_to(place)) for path in place.rglob("*") if path.is_file())

    def started_agent(self) -> dict[str, object]:
        """What the stand-in for the agent was started with."""
        started_with: dict[str, object] = json.loads((self.state / "agent.json").read_text())
        return started_with


# Says what it was started with. The shell's own variables are not ours.
AGENT = b"""
import json, os, sys
token = sys.stdin.readline().strip()
variables = {name: value for name, value in os.environ.items() if name not in ("PWD", "OLDPWD", "_", "SHLVL", "LC_CTYPE")}
with open("/var/lib/agent.json", "w") as file:
    json.dump({"arguments": sys.argv[1:], "token": token, "variables": variables}, file)
"""
