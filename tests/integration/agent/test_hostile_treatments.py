"""Treatments that try to get out of their working directory, their sandbox or their container. None does.

``docs/security.md`` lists the attempts.
"""

import os
import pwd
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from runner_bootstrap.agent.execution import private_network
from tests.programs import needs_bubblewrap
from tests.waiting import eventually

from .conftest import AGENT_PYTHON
from .fake_gateway import FakeGateway, Runner
from .podman import IMAGE
from .test_paths import feed

CANARY = "canary-4f1d8a90b7"
MARK = "cadence-escaped"
BUSYBOX = "/bin/busybox"
#: Before each probe: applets as this place has them, and a result that no command's output can be mistaken for.
PREPARED = f"""
if [ -x {BUSYBOX} ]; then b() {{ {BUSYBOX} "$@"; }}; else b() {{ "$@"; }}; fi
probe() {{ if ( eval "$2" ) >/dev/null 2>&1; then echo "escaped: $1"; else echo "held: $1"; fi; }}
"""

#: Each succeeds if the attempt does; ``{host}`` is a directory of the host with a secret, ``{home}`` its user's file.
PROBES: dict[str, str] = {
    "read a file of the host": 'b grep -q {canary} "{host}/secret"',
    "list a directory of the host": 'b ls "{host}"',
    "write into a directory of the host": 'echo x > "{host}/{mark}"',
    "read the home directory": 'test -e "{home}"',
    "read the host agent's token": 'b grep -q {canary} "{hidden}/host.json"',
    "read another runner's files": 'b grep -q {canary} "{workspaces}/cadence-other/work/secret"',
    "list other runners": 'b ls "{workspaces}" | b grep -q other',
    "find sockets of services": "b find /run /var/run -type s | b grep -q .",
    "reach D-Bus": "test -S /run/dbus/system_bus_socket",
    "reach a container engine": "test -S /run/podman/podman.sock -o -S /var/run/docker.sock",
    "see the agent's processes": "b cat /proc/[0-9]*/cmdline | b grep -q 'runner-[i]d'",
    "see the processes of the host": "test $(b ls -d /proc/[0-9]* | b wc -l) -gt 30",
    "read the agent's environment": "b cat /proc/[0-9]*/environ | b grep -q '{canary}-en[v]'",
    "leave through the first process's root": 'b cat "/proc/1/root{host}/secret"',
    "leave through the first process's directory": 'b cat "/proc/1/cwd/../../../../../../..{host}/secret"',
    "change the host's core pattern": "v=$(b cat /proc/sys/kernel/core_pattern) && echo $v > /proc/sys/kernel/core_pattern",
    "press a system request key": "true >> /proc/sysrq-trigger",
    "write a control group": 'f=$(b find /sys/fs/cgroup -name cgroup.procs | b head -n 1) && test -n "$f" && true >> "$f"',
    "set a release agent": 'f=$(b find /sys/fs/cgroup -name release_agent | b head -n 1) && test -n "$f" && true >> "$f"',
    "mount a file system": "b mkdir m && b mount -t tmpfs none m",
    "mount the host's processes": "b mkdir p && b mount -t proc none p",
    "make a block device": "b mknod disk b 8 0 && b head -c 1 disk",
    "make a device of the host's memory": "b mknod memory c 1 1 && b head -c 1 memory",
    "open the host's memory": "b head -c 1 /dev/mem",
    "open the host's disk": "b head -c 1 /dev/sda || b head -c 1 /dev/vda",
    "change the root directory": 'b chroot "/proc/1/root" b cat "{host}/secret"',
    "change the name of the host": "b hostname {mark}",
    "load a module into the kernel": "b insmod /dev/null && b true",
    "link to a file of the host": 'b ln "{host}/secret" stolen && b grep -q {canary} stolen',
}


@dataclass(frozen=True, kw_only=True)
class Capture:
    """A treatment whose outputs or inputs try to lead the agent out; ``error`` is what it must end with."""

    run: str
    outputs: tuple[Mapping[str, str], ...] = ()
    error: str


def block(port: str = "o", type_: str = "byte") -> Mapping[str, str]:
    return {"port": port, "flow": "block", "type": type_}


def path(path_: str, port: str = "o") -> Mapping[str, str]:
    return {"port": port, "flow": "stream", "type": "byte", "path": path_}


DEEP = "d=$(printf 'd%.0s' $(seq 200)); i=0; while [ $i -lt 25 ]; do mkdir $d; cd -P $d; i=$((i+1)); done; "
CAPTURES: dict[str, Capture] = {
    "an output that is a link": Capture(
        run='ln -s {host}/secret "$CADENCE_OUT_o"', outputs=(block(),), error="is not a plain file"
    ),
    "an output that is a FIFO": Capture(run='mkfifo "$CADENCE_OUT_o"', outputs=(block(),), error="is not a plain file"),
    "an output that is a directory": Capture(
        run='mkdir "$CADENCE_OUT_o"', outputs=(block(),), error="is not a plain file"
    ),
    "outputs in a directory that is a link": Capture(
        run='o=$(dirname "$CADENCE_OUT_secret"); mv "$o" "$o.away"; ln -s {host} "$o"',
        outputs=(block("secret"),),
        error="was not written",
    ),
    "a file that is a link": Capture(run="ln -s {host}/secret f", outputs=(path("f"),), error="is outside of"),
    "a file below a link": Capture(run="ln -s {host} d", outputs=(path("d/secret"),), error="is outside of"),
    "a file below links over links": Capture(
        run="mkdir a; ln -s ../.. a/l; ln -s a/l/../../../.. d", outputs=(path("d{host}/secret"),), error="is outside of"
    ),
    "a directory that is a link": Capture(run="ln -s {host} d", outputs=(path("d/"),), error="is outside of"),
    "a glob over a link": Capture(run="ln -s {host} d", outputs=(path("d/*"),), error="matches nothing"),
    "a deep glob over a link": Capture(run="ln -s {host} d", outputs=(path("**/secret"),), error="matches nothing"),
    "a link in a directory": Capture(
        run="mkdir d; ln -s {host}/secret d/l", outputs=(path("d/"),), error="out of what is packed"
    ),
    "a link upwards in a directory": Capture(
        run="mkdir -p d/a; ln -s ../../x d/a/l", outputs=(path("d/"),), error="out of what is packed"
    ),
    "a device, socket or FIFO in a directory": Capture(
        run="mkdir d; mkfifo d/f", outputs=(path("d/"),), error="is neither a file, a directory nor a link"
    ),
    "a directory that is too deep": Capture(
        run="mkdir d; cd d; i=0; while [ $i -lt 300 ]; do mkdir d; cd -P d; i=$((i+1)); done",
        outputs=(path("d/"),),
        error="directories deep",
    ),
    "a link behind a name that is too long": Capture(
        run=DEEP + "ln -s {host}/secret l", outputs=(path("**/l"),), error="out of what is packed"
    ),
    "the working directory itself exchanged": Capture(
        run='w=$(pwd); cd ..; mv "$w" "$w.away"; ln -s {host} "$w"', outputs=(path("secret"),), error="is no file"
    ),
    "the kernel's own files": Capture(
        run="ln -s /proc/self/environ f", outputs=(path("f"),), error="is outside of"
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Host:
    """What treatments try to reach, and a way to run one."""

    agent: Path
    gateway: FakeGateway
    root: Path

    @property
    def secret(self) -> Path:
        return self.root / "host"

    def names(self) -> dict[str, str]:
        return {
            "host": str(self.secret),
            "home": str(a_file_in_the_home_directory()),
            "hidden": str(self.root / "state"),
            "workspaces": str(self.root / "workspaces"),
            "canary": CANARY,
            "mark": MARK,
        }

    def filled(self, text: str) -> str:
        for name, value in self.names().items():
            text = text.replace(f"{{{name}}}", value)
        return text

    def work(self, runner: Runner, sandbox: str) -> dict[str, Any]:
        """Runs a treatment to its end, as a host does."""
        argv = [AGENT_PYTHON, str(self.agent), "run", "--attached", "--gateway", self.gateway.url]
        argv += ["--runner-id", runner.runner_id, "--workspaces", str(self.root / "workspaces")]
        argv += ["--hide", str(self.root / "state")]
        environment = {
            **os.environ,
            "CANARY": f"{CANARY}-env",
            "CADENCE_SANDBOX": "off" if sandbox == "plain" else "on",
        }
        with subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        ) as process:
            assert process.stdin
            assert process.stdout
            process.stdin.write(runner.token + "\n")
            process.stdin.flush()
            # Its standard input stays open, since that is how it knows that its host lives.
            assert runner.done.wait(120) or process.poll() is None, process.stdout.read()
            process.wait(120)
        assert runner.completed
        return runner.completed

    def unharmed(self) -> None:
        """Nothing was written to the host, nothing was read from it, and no workspace is left."""
        assert sorted(path.name for path in self.secret.iterdir()) == ["secret"]
        assert (self.secret / "secret").read_text() == CANARY
        assert not any(Path(folder, MARK).exists() for folder in ("/", "/etc", "/tmp", "/usr"))
        for stream in self.gateway.streams.values():
            assert CANARY.encode() not in stream.content
        left = [each.name for each in (self.root / "workspaces").iterdir()]
        assert left == ["cadence-other"]


def a_file_in_the_home_directory() -> Path:
    """A file that a sandbox does not show; the running Python may be in the home directory, and is shown."""
    home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    shown = [Path(name).resolve() for name in (sys.prefix, sys.base_prefix)]
    names = sorted(home.iterdir()) if home.is_dir() else []
    hidden = [name for name in names if not any(name.resolve() in (one, *one.parents) for one in shown)]
    return next(iter(hidden), home / "nothing")


def host(agent: Path, root: Path) -> Iterator[Host]:
    gateway = FakeGateway()
    (root / "host").mkdir()
    (root / "host/secret").write_text(CANARY)
    (root / "state").mkdir()
    (root / "state/host.json").write_text(CANARY)
    # Locked, as the workspace of a runner at work is.
    (root / "workspaces/cadence-other/work").mkdir(parents=True)
    (root / "workspaces/cadence-other/work/secret").write_text(CANARY)
    yield Host(agent, gateway, root)
    gateway.close()
    assert gateway.violations == []


@pytest.fixture(scope="module")
def in_bubblewrap(agent: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    yield from probed(agent, tmp_path_factory.mktemp("bubblewrap"), "bwrap")


@pytest.fixture(scope="module")
def in_podman(agent: Path, containers: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CADENCE_PODMAN_ARGS", containers[0])
        yield from probed(agent, tmp_path_factory.mktemp("podman"), "podman")


def probing(made: Host, attempts: Iterable[str]) -> str:
    """A script that makes these attempts."""
    return PREPARED + "\n".join(
        f"probe {shlex.quote(name)} {shlex.quote(made.filled(PROBES[name]))}" for name in attempts
    )


def probed(agent: Path, root: Path, place: str) -> Iterator[list[str]]:
    """The results of all probes, made by one treatment."""
    for made in host(agent, root):
        script = probing(made, PROBES)
        image = IMAGE if place == "podman" else None
        runner = made.gateway.add_runner(script, shell="sh", image=image)
        done = made.work(runner, place)
        assert done["outcome"] == "succeeded", (done, runner.text("agent"), runner.text("stderr"))
        made.unharmed()
        yield runner.text()


@needs_bubblewrap
@pytest.mark.parametrize("attempt", PROBES)
def test_no_command_leaves_the_sandbox(in_bubblewrap: list[str], attempt: str) -> None:
    assert f"held: {attempt}" in in_bubblewrap


@pytest.mark.podman
@pytest.mark.parametrize("attempt", PROBES)
def test_no_command_leaves_its_container(in_podman: list[str], attempt: str) -> None:
    assert f"held: {attempt}" in in_podman


@pytest.fixture
def here(agent: Path, tmp_path: Path) -> Iterator[Host]:
    yield from host(agent, tmp_path)


@pytest.mark.parametrize("attempt", CAPTURES)
def test_no_output_takes_a_file_of_the_host_along(here: Host, sandbox: str, attempt: str) -> None:
    made = CAPTURES[attempt]
    outputs = [{name: here.filled(text) for name, text in output.items()} for output in made.outputs]
    runner = here.gateway.add_runner(here.filled(made.run), outputs=outputs)
    done = here.work(runner, sandbox)
    assert done["outcome"] == "failed", done
    assert made.error in done["error"]
    here.unharmed()


#: The image has a busybox and little more: its applets under the names that the attempts use.
APPLETS = "".join(
    f'{name}() {{ {BUSYBOX} {name} "$@"; }}; '
    for name in ("cp", "dirname", "ln", "mkdir", "mkfifo", "mv", "printf", "rm", "seq")
)


@pytest.mark.podman
@pytest.mark.parametrize("attempt", CAPTURES)
def test_no_output_of_a_container_takes_a_file_of_the_host_along(
    here: Host, containers: list[str], monkeypatch: pytest.MonkeyPatch, attempt: str
) -> None:
    monkeypatch.setenv("CADENCE_PODMAN_ARGS", containers[0])
    made = CAPTURES[attempt]
    outputs = [{name: here.filled(text) for name, text in output.items()} for output in made.outputs]
    runner = here.gateway.add_runner(APPLETS + here.filled(made.run), shell="sh", image=IMAGE, outputs=outputs)
    done = here.work(runner, "podman")
    assert done["outcome"] == "failed", done
    assert made.error in done["error"], (done, runner.text("stderr"))
    here.unharmed()


#: The command exchanges the FIFO of an input that it has not opened; the agent would write what others produced.
SWAPS: dict[str, tuple[str, str]] = {
    "a link": ('ln -s "{host}/secret" "$f"', "failed"),
    "a file": ('cp /dev/null "$f"', "failed"),
    "another FIFO": ('mkfifo "$f"', "failed"),
    "a link in place of their directory": (
        'mv "$(dirname "$f")" "$(dirname "$f").away"; ln -s "{host}" "$(dirname "$f")"',
        "succeeded",
    ),
}


def exchange(here: Host, sandbox: str, swap: str, before: str = "", **where: Any) -> None:
    made, outcome = SWAPS[swap]
    ports = [{"port": name, "flow": "stream", "type": "byte"} for name in ("secret", "go")]
    # The agent has looked at the other FIFO, and so at this one too, when `go` can be read.
    script = f"{before}f=$CADENCE_IN_secret; {'' if 'dirname' in made else 'rm $f;'} {here.filled(made)}\nexit 0"
    waits = script.replace("exit 0", "sleep 987654") if outcome == "failed" else script
    runner = here.gateway.add_runner(waits, inputs=ports, **where)
    for name in ("secret", "go"):
        feed(here.gateway, runner, name, b"overwritten")
    done = here.work(runner, sandbox)
    assert done["outcome"] == outcome, (done, runner.text("stderr"))
    if outcome == "failed":
        assert "put another file in its place" in done["error"]
    here.unharmed()


@pytest.mark.parametrize("swap", SWAPS)
def test_no_input_is_written_to_a_file_of_the_host(here: Host, sandbox: str, swap: str) -> None:
    exchange(here, sandbox, swap)


@pytest.mark.podman
@pytest.mark.parametrize("swap", SWAPS)
def test_no_input_of_a_container_is_written_to_a_file_of_the_host(
    here: Host, containers: list[str], monkeypatch: pytest.MonkeyPatch, swap: str
) -> None:
    monkeypatch.setenv("CADENCE_PODMAN_ARGS", containers[0])
    exchange(here, "podman", swap, APPLETS, shell="sh", image=IMAGE)


def link_in_a_cache(here: Host, sandbox: str, before: str = "", **where: Any) -> None:
    caches = [{"key": "k", "paths": ["d/", "e"]}]
    script = here.filled(f"{before}ln -s {{host}} d; mkdir e; echo fine > e/f")
    runner = here.gateway.add_runner(script, caches=caches, **where)
    done = here.work(runner, sandbox)
    assert done["outcome"] == "succeeded", (done, runner.text("stderr"))
    assert any("out of what is packed" in line or "saved" in line for line in runner.text("agent"))
    here.unharmed()


def test_no_cache_takes_a_file_of_the_host_along(here: Host, sandbox: str) -> None:
    link_in_a_cache(here, sandbox)


@pytest.mark.podman
def test_no_cache_of_a_container_takes_a_file_of_the_host_along(
    here: Host, containers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CADENCE_PODMAN_ARGS", containers[0])
    link_in_a_cache(here, "podman", APPLETS, shell="sh", image=IMAGE)


#: What a command of the host's own user may do; ``docs/security.md`` names it as not held without a sandbox.
NOT_HELD = (
    "read a file of the host",
    "list a directory of the host",
    "read the host agent's token",
    "read another runner's files",
    "list other runners",
    "link to a file of the host",
)


@pytest.fixture(scope="module")
def without_either(agent: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """What all attempts print where nothing holds a command, and the pool therefore requires a sandbox."""
    for made in host(agent, tmp_path_factory.mktemp("plain")):
        runner = made.gateway.add_runner(probing(made, PROBES), shell="sh", isolation={"required": True})
        done = made.work(runner, "plain")
        assert (done["outcome"], "require_sandbox" in done["error"]) == ("infrastructure", True)
        made.unharmed()
        yield runner.text()


@pytest.mark.parametrize("attempt", PROBES)
def test_no_attempt_begins_without_a_sandbox_where_the_pool_requires_one(
    without_either: list[str], attempt: str
) -> None:
    assert [line for line in without_either if attempt in line] == []


def test_what_is_not_held_without_a_sandbox_is_documented(here: Host) -> None:
    """Only attempts that change nothing of the machine: the host's user may be root."""
    runner = here.gateway.add_runner(probing(here, NOT_HELD), shell="sh")
    assert here.work(runner, "plain")["outcome"] == "succeeded"
    assert runner.text() == [f"escaped: {attempt}" for attempt in NOT_HELD]
    here.unharmed()
    page = (Path(__file__).parents[3] / "docs" / "security.md").read_text()
    (row,) = (line for line in page.splitlines() if line.startswith("| not held without a sandbox"))
    assert [attempt for attempt in NOT_HELD if attempt not in row] == []


def test_without_a_sandbox_no_command_runs_where_the_pool_requires_one(here: Host) -> None:
    runner = here.gateway.add_runner("echo ran", isolation={"required": True})
    done = here.work(runner, "plain")
    assert done["outcome"] == "infrastructure"
    assert "require_sandbox" in done["error"]
    assert runner.text() == []


@needs_bubblewrap
def test_with_a_sandbox_commands_run_where_the_pool_requires_one(here: Host) -> None:
    runner = here.gateway.add_runner("echo ran", isolation={"required": True})
    assert here.work(runner, "bwrap")["outcome"] == "succeeded"
    assert runner.text() == ["ran"]


needs_slirp = pytest.mark.skipif(
    private_network.program() is None,
    reason="slirp4netns is not installed (apt-get install slirp4netns), or does not work here",
)

REACHES = """
import socket
for what, family, address in (
    ("metadata", socket.AF_INET, ("169.254.169.254", 80)),
    ("loopback", socket.AF_INET, ("127.0.0.1", {port})),
    ("gateway of the network", socket.AF_INET, ("10.0.2.2", {port})),
    ("abstract socket", socket.AF_UNIX, "\\0{name}"),
):
    with socket.socket(family) as attempt:
        attempt.settimeout(20)
        try:
            attempt.connect(address)
            print("escaped:", what)
        except OSError:
            print("held:", what)
print("interfaces:", *sorted(name for _, name in socket.if_nameindex()))
print(open("/etc/resolv.conf").read().strip())
"""


@pytest.fixture
def listening() -> Iterator[tuple[int, str]]:
    """A port and an abstract socket of the host that accept connections."""
    name = f"cadence-hostile-{os.getpid()}"
    with socket.create_server(("127.0.0.1", 0)) as port, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind(f"\0{name}")
        abstract.listen()
        yield port.getsockname()[1], name


def reach(here: Host, listening: tuple[int, str], **isolation: bool) -> list[str]:
    port, name = listening
    program = REACHES.replace("{port}", str(port)).replace("{name}", name)
    runner = here.gateway.add_runner(program, shell=f"{sys.executable} -IS", isolation=isolation)
    done = here.work(runner, "bwrap")
    assert done["outcome"] == "succeeded", (done, runner.text("stderr"))
    return runner.text()


@needs_bubblewrap
@needs_slirp
def test_a_private_network_leads_neither_to_the_host_nor_to_the_metadata_of_its_cloud(
    here: Host, listening: tuple[int, str]
) -> None:
    assert reach(here, listening, private_network=True) == [
        "held: metadata",
        "held: loopback",
        "held: gateway of the network",
        "held: abstract socket",
        "interfaces: lo tap0",
        "nameserver 10.0.2.3",
    ]
    eventually(lambda: not slirps_of(here))


def slirps_of(here: Host) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if b"slirp4netns" in (process / "cmdline").read_bytes() and str(here.root) in str(
                (process / "cwd").readlink()
            ):
                found.append(process.name)
        except OSError:
            continue
    return found
