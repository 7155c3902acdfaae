"""A full disk below the working directory ends the treatment with that cause; nothing stays running."""

from pathlib import Path

from tests.programs import needs_private_mounts, private_mounts

from .conftest import Work
from .fake_gateway import FakeGateway

pytestmark = needs_private_mounts


def small_disk(workspaces: Path, filled: bool) -> tuple[str, ...]:
    """Begins a command whose workspaces are on a disk of 1 MiB of its own, full or empty."""
    workspaces.mkdir()
    fill = 'cat /dev/zero > "$0/fill" 2> /dev/null; ' if filled else ""
    script = f'mount -t tmpfs -o size=1m tmpfs "$0" && {{ {fill}exec "$@"; }}'
    return (*(private_mounts() or ()), "sh", "-c", script, str(workspaces))


def test_a_disk_that_is_full_before_the_command_starts(gateway: FakeGateway, work: Work, workspaces: Path) -> None:
    runner = gateway.add_runner("echo started")
    done = work(runner, before=small_disk(workspaces, filled=True))
    assert done["outcome"] == "infrastructure"
    assert "No space left on device" in done["error"]
    assert "started" not in runner.text()


def test_a_command_that_fills_the_disk(gateway: FakeGateway, work: Work, workspaces: Path) -> None:
    runner = gateway.add_runner("head -c 2000000 /dev/zero > big; echo after")
    done = work(runner, before=small_disk(workspaces, filled=False))
    assert (done["outcome"], done["exit_code"]) == ("failed", 1)
    assert any("No space left on device" in line for line in runner.text("stderr"))
