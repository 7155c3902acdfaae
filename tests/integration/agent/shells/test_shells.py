"""A user's shell beside a treatment's command, on a real terminal through a tunnel."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.waiting import eventually

from ..conftest import AGENT_PYTHON, PATIENCE, Start
from ..fake_gateway import FakeGateway, Runner
from .tunnel_server import TunnelServer

SECRET = "s3cr3t-of-the-treatment"
NOT_REACHED = 3
SHELL_ID = "0123456789abcdef" * 2
TOKEN = "users-token"
#: Goes on until the test removes the file, however busy the machine is.
COMMAND = "echo made > made-by-command; touch running; while [ -e running ]; do sleep 0.05; done"


@pytest.fixture
def tunnel() -> Iterator[TunnelServer]:
    server = TunnelServer()
    server.tokens.add(TOKEN)
    yield server
    server.close()


class Terminal:
    """`cadence-agent shell` on a terminal of 31 rows and 107 columns, as the command line starts it."""

    def __init__(
        self, agent: Path, gateway: FakeGateway, tunnel: TunnelServer, runner: Runner, token: str, piped: str | None
    ) -> None:
        self.master, slave = pty.openpty()
        self.resize(31, 107)
        reading, writing = os.pipe()
        os.write(writing, token.encode())
        os.close(writing)
        argv = [AGENT_PYTHON, str(agent), "shell", "--gateway", gateway.url, "--tunnel", tunnel.url]
        argv += ["--run", runner.assignment["run_id"], "--runner-id", runner.runner_id, "--shell", SHELL_ID]
        self.process = subprocess.Popen(
            [*argv, "--token-fd", str(reading)],
            stdin=slave if piped is None else subprocess.PIPE,
            stdout=slave,
            stderr=slave,
            pass_fds=[reading],
            preexec_fn=os.setsid if piped is not None else _owns_terminal,
            env={**os.environ, "TERM": "xterm-256color"},
        )
        if self.process.stdin and piped is not None:
            self.process.stdin.write(piped.encode())
            self.process.stdin.close()
        os.close(reading)
        os.close(slave)
        self.seen = self.everything = ""

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def expect(self, pattern: str) -> re.Match[str]:
        """Waits until the screen shows the pattern, and forgets everything up to it."""
        found = eventually(lambda: re.search(pattern, self._read()), what=lambda: self.seen)
        assert isinstance(found, re.Match)
        self.seen = self.seen[found.end() :]
        return found

    def run(self, command: str, pattern: str) -> re.Match[str]:
        """Types a command and waits for a line of its output: the echo of the command itself has a `$` before it."""
        self.type(command + "\n")
        return self.expect(rf"\n(?:\x1b\[[?0-9;]*[a-zA-Z]|\r)*{pattern}")

    def ended(self) -> int:
        eventually(lambda: (self._read(), self.process.poll() is not None)[1], what=lambda: self.seen)
        self._read()
        return self.process.wait()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)

    def _read(self) -> str:
        while select.select([self.master], [], [], 0)[0]:
            try:
                content = os.read(self.master, 65536)
            except OSError:  # nobody has it open any more
                break
            self.seen += (text := content.decode("utf-8", "replace"))
            self.everything += text
        return self.seen


def _owns_terminal() -> None:
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.fixture
def terminals(agent: Path, gateway: FakeGateway, tunnel: TunnelServer) -> Iterator["list[Terminal]"]:
    opened: list[Terminal] = []
    yield opened
    for one in opened:
        one.close()


class World:
    """A runner whose command goes on, and a terminal that a shell was asked for from."""

    def __init__(
        self, agent: Path, gateway: FakeGateway, tunnel: TunnelServer, start: Start, terminals: list[Terminal]
    ) -> None:
        self.agent, self.gateway, self.tunnel, self.start, self.terminals = agent, gateway, tunnel, start, terminals

    def open(self, sandbox: str = "plain", token: str = TOKEN, piped: str | None = None) -> tuple[Runner, Terminal]:
        self.runner = self.gateway.add_runner(COMMAND, secrets={"DEPLOY_KEY": SECRET})
        self.tunnel.tokens.add(self.runner.session)
        self.runner.shells = {SHELL_ID: "member:ada"}
        self.runner.tunnel = self.tunnel.url
        self.process = self.start(self.runner, sandbox)
        terminal = Terminal(self.agent, self.gateway, self.tunnel, self.runner, token, piped)
        self.terminals.append(terminal)
        return self.runner, terminal

    def cancel(self) -> None:
        """Ends the command from outside."""
        self.runner.cancel = "it is enough"
        self.finish()

    def finish(self) -> None:
        output, _ = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0, output

    @property
    def said(self) -> list[str]:
        return self.runner.text("agent")


@pytest.fixture
def world(agent: Path, gateway: FakeGateway, tunnel: TunnelServer, start: Start, terminals: list[Terminal]) -> World:
    return World(agent, gateway, tunnel, start, terminals)


def test_a_shell_is_where_the_command_is(world: World, sandbox: str) -> None:
    _, terminal = world.open(sandbox)
    terminal.run("stty size", "31 107")
    terminal.run("cat made-by-command; echo on-$TERM", r"made\r?\non-xterm-256color")
    terminal.run("echo in-$CADENCE_TREATMENT", "in-t1")

    terminal.resize(40, 120)
    terminal.run("while [ \"$(stty size)\" != '40 120' ]; do sleep 0.05; done; echo re''sized", "resized")

    terminal.run("sh -c \"trap 'echo inter''rupted; exit' INT; echo wait''ing; sleep 1000 & wait\"", "waiting")
    terminal.type("\x03")
    terminal.expect("interrupted")

    terminal.run('echo "key: $DEPLOY_KEY"', r"key: \*\*\*")
    terminal.run('printf %s "$DEPLOY_KEY" | base64', r"\*\*\*")
    world.cancel()
    assert terminal.ended() == NOT_REACHED
    assert SECRET not in terminal.everything
    assert world.said[0].startswith("member:ada has opened a shell in this workspace")
    assert "the shell of member:ada has ended" in world.said
    ends = [(one["side"], one["shell"]) for one in world.tunnel.joined]
    assert sorted(ends) == [("asking", SHELL_ID), ("worker", SHELL_ID)]


def test_a_shell_does_not_outlive_the_command(world: World) -> None:
    runner, terminal = world.open()
    terminal.run("echo re''ady", "ready")
    terminal.type("rm running\n")
    assert terminal.ended() == NOT_REACHED
    world.finish()
    assert runner.completed is not None
    assert runner.completed["outcome"] == "succeeded"


def test_the_exit_code_is_that_of_the_shell(world: World) -> None:
    runner, terminal = world.open()
    terminal.run("echo re''ady", "ready")
    terminal.type("exit 7\n")
    assert terminal.ended() == 7
    assert runner.completed is None  # the command goes on
    world.cancel()


def test_a_shell_ends_with_the_right_to_it(world: World) -> None:
    runner, terminal = world.open()
    terminal.run("echo re''ady", "ready")
    runner.shells = {}
    terminal.expect("may no longer open a shell here")
    assert terminal.ended() == NOT_REACHED
    world.cancel()


def test_a_user_who_is_refused_is_told_why(world: World) -> None:
    _, terminal = world.open(token="another-token")
    terminal.expect("the control plane does not connect the shell: you may not")
    assert terminal.ended() == NOT_REACHED
    world.cancel()


def test_input_may_come_from_a_pipe(world: World) -> None:
    _, terminal = world.open(piped="echo from-$CADENCE_TREATMENT\n")
    terminal.expect("from-t1")
    assert terminal.ended() == 0
    world.cancel()
