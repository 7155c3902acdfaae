"""A host: joins, leases, starts runners, stops, drains, and leaves nothing behind when killed."""

import hashlib
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.programs import needs_bubblewrap
from tests.waiting import eventually

from .conftest import AGENT_PYTHON, PATIENCE, Start
from .fake_gateway import FakeGateway, Runner, Stream

StartHost = Callable[..., "subprocess.Popen[str]"]
SLEEPER = "trap '' TERM; sleep 987654 & sleep 987654 & setsid sleep 987654 & wait"


@pytest.fixture
def host(agent: Path, gateway: FakeGateway, tmp_path: Path) -> Iterator[StartHost]:
    started: list[subprocess.Popen[str]] = []

    def start(slots: int = 4, grace: float = 0, token: str = "join") -> "subprocess.Popen[str]":
        (tmp_path / "join").write_text(token)
        argv = [AGENT_PYTHON, str(agent), "host", "--gateway", gateway.url, "--pool", "local", "--name", "here"]
        argv += ["--token-file", str(tmp_path / "join"), "--state", str(tmp_path / "state/host.json")]
        argv += ["--workspaces", str(tmp_path / "workspaces"), "--slots", str(slots), "--grace", str(grace)]
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=PATIENCE)


def offer(gateway: FakeGateway, *runners: Runner) -> None:
    with gateway.lock:
        gateway.offers += runners
    gateway.ring.set()


def name(gateway: FakeGateway, *runners: Runner) -> None:
    """Notifies of runners, which no call for work hands out."""
    with gateway.lock:
        gateway.named += runners
    gateway.ring.set()


Tell = Callable[..., None]


def left_of(marker: Path) -> list[str]:
    """Processes that know of this test's directory: agents, sandboxes and commands."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                about = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if str(marker).encode() in about and state != "Z":
                found.append(about.decode(errors="replace"))
    return found


def test_a_host_runs_what_it_is_offered_in_its_slots(gateway: FakeGateway, host: StartHost) -> None:
    host(slots=2)
    runners = [gateway.add_runner(f"echo {number}", number) for number in range(1, 8)]
    eventually(lambda: gateway.hosts)
    offer(gateway, *runners)
    for runner in runners:
        assert runner.done.wait(PATIENCE)
        assert runner.completed
        assert runner.completed["outcome"] == "succeeded"
    assert [runner.text() for runner in runners] == [[str(number)] for number in range(1, 8)]


def test_a_host_starts_runners_that_notifications_name_without_asking(gateway: FakeGateway, host: StartHost) -> None:
    gateway.claim_key = "key"
    host(slots=2)
    eventually(lambda: gateway.calls)
    for number in range(1, 4):
        runner = gateway.add_runner("true", number)
        name(gateway, runner)
        assert runner.done.wait(PATIENCE)
        assert runner.completed
        assert runner.completed["outcome"] == "succeeded"
        started_by = gateway.claimed_by[runner.runner_id]
        assert started_by
        assert (started_by["host_id"], started_by["last_call"] in gateway.calls) == ("host-1", True)


def test_a_host_asks_for_work_after_some_starts_of_its_own(gateway: FakeGateway, host: StartHost) -> None:
    """Its item, which each of them writes, stays small."""
    gateway.claim_key = "key"
    host(slots=20)
    eventually(lambda: gateway.calls)
    runners = [gateway.add_runner("sleep 30", number) for number in range(1, 10)]
    name(gateway, *runners)
    eventually(lambda: len(gateway.calls) >= 2)
    eventually(lambda: len(gateway.claimed_by) == 8)
    assert runners[8].claimed is None


@pytest.mark.parametrize("tell", [name, offer], ids=["by itself", "by asking"])
def test_a_full_host_leaves_notifications_to_others(gateway: FakeGateway, host: StartHost, tell: Tell) -> None:
    gateway.claim_key = "key"
    host(slots=1)
    eventually(lambda: gateway.calls)
    tell(gateway, first := gateway.add_runner("sleep 2", 1))
    eventually(lambda: first.claimed)
    asked = len(gateway.calls)
    name(gateway, second := gateway.add_runner("sleep 30", 2))
    assert first.done.wait(PATIENCE)
    # It asks since it was full, and is notified then, as another host with room would have been meanwhile.
    eventually(lambda: second.claimed)
    assert len(gateway.calls) == asked + 1


def test_a_host_without_a_key_asks_for_what_notifications_name(gateway: FakeGateway, host: StartHost) -> None:
    """Its control plane is of the version before."""
    host(slots=1)
    eventually(lambda: gateway.calls)
    name(gateway, runner := gateway.add_runner("true", 1))
    eventually(lambda: len(gateway.calls) >= 2)
    assert runner.claimed is None


def test_a_host_asks_for_work_if_a_runner_that_it_started_itself_is_refused(
    gateway: FakeGateway, host: StartHost
) -> None:
    gateway.claim_key = "key"
    host()
    eventually(lambda: gateway.calls)
    gateway.status["claim"] = 410
    name(gateway, runner := gateway.add_runner("true", 1))
    eventually(lambda: len(gateway.calls) >= 2)
    del gateway.status["claim"]
    offer(gateway, runner)
    assert runner.done.wait(PATIENCE)
    assert gateway.claimed_by[runner.runner_id] is None


def test_its_identity_outlives_a_restart_and_is_private(gateway: FakeGateway, host: StartHost, tmp_path: Path) -> None:
    state = tmp_path / "state/host.json"
    for _ in range(2):
        process = host()
        eventually(lambda: gateway.requests["lease"])
        process.terminate()
        assert process.wait(PATIENCE) == 0
        gateway.requests.clear()
    assert gateway.joins == 1
    assert state.stat().st_mode & 0o777 == 0o600


def test_a_host_that_starts_again_says_once_what_it_has_by_now(gateway: FakeGateway, host: StartHost) -> None:
    first = host()
    eventually(lambda: gateway.news, PATIENCE)
    first.terminate()
    assert first.wait(PATIENCE) == 0
    assert not any(gateway.news)  # it has said so when it joined
    gateway.news.clear()
    gateway.fail_next["lease"] = 1
    host()
    eventually(lambda: len(gateway.news) > 1, PATIENCE)
    (joined,) = gateway.hosts.values()
    assert gateway.news[0] is not None
    assert gateway.news[0].keys() == joined["facts"].keys()
    assert not any(gateway.news[1:])


def test_the_numbers_of_its_calls_grow_over_failures_and_restarts(gateway: FakeGateway, host: StartHost) -> None:
    gateway.fail_next["lease"] = 2
    first = host()
    eventually(lambda: len(gateway.calls) > 1, PATIENCE)
    first.terminate()
    assert first.wait(PATIENCE) == 0
    before = len(gateway.calls)
    host()
    eventually(lambda: len(gateway.calls) > before + 1, PATIENCE)
    assert gateway.calls == sorted(set(gateway.calls))


def test_a_host_whose_clock_was_set_back_goes_on_after_its_last_call(gateway: FakeGateway, host: StartHost) -> None:
    gateway.last_call = 9_000_000_000_000_000
    host()
    eventually(lambda: gateway.calls, PATIENCE)
    assert gateway.calls[0] == gateway.last_call + 1


def test_a_forgotten_host_joins_again(gateway: FakeGateway, host: StartHost) -> None:
    process = host()
    eventually(lambda: gateway.requests["lease"])
    gateway.hosts.clear()
    gateway.ring.set()
    eventually(lambda: gateway.joins == 2)
    assert process.poll() is None


def test_a_wrong_join_token_is_said(gateway: FakeGateway, host: StartHost) -> None:
    process = host(token="wrong")
    assert process.wait(PATIENCE) == 3
    assert process.stdout
    assert "the gateway answered 401: wrong token" in process.stdout.read()


def test_stop_ends_a_runner(gateway: FakeGateway, host: StartHost, tmp_path: Path) -> None:
    host()
    runner = gateway.add_runner("echo up; sleep 987654")
    offer(gateway, runner)
    eventually(lambda: runner.text() == ["up"])
    with gateway.lock:
        gateway.stops.append(runner.runner_id)
    gateway.ring.set()
    assert runner.done.wait(PATIENCE)
    assert runner.completed
    assert runner.completed["error"] == "the runner received SIGTERM"
    eventually(lambda: not list((tmp_path / "workspaces").iterdir()))


def test_sigterm_lets_runners_finish_within_the_grace(gateway: FakeGateway, host: StartHost) -> None:
    process = host(grace=PATIENCE)
    runner = gateway.add_runner("echo up; sleep 0.5; echo done")
    offer(gateway, runner)
    eventually(lambda: runner.text() == ["up"])
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0
    assert runner.completed
    assert runner.completed["outcome"] == "succeeded"
    assert runner.text() == ["up", "done"]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_kill_9_of_the_host_leaves_no_process(gateway: FakeGateway, host: StartHost, tmp_path: Path) -> None:
    process = host()
    runners = [gateway.add_runner(f"echo up; {SLEEPER}", number) for number in (1, 2)]
    offer(gateway, *runners)
    eventually(lambda: all(runner.text() == ["up"] for runner in runners))
    process.kill()
    process.wait()
    eventually(lambda: not left_of(tmp_path))
    for runner in runners:
        assert runner.completed
        assert runner.completed["error"] == "the host agent that started this runner has ended"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_host_whose_nursery_was_killed_says_so_and_ends(
    gateway: FakeGateway, host: StartHost, tmp_path: Path
) -> None:
    process = host()
    runner = gateway.add_runner("echo up; sleep 987654")
    offer(gateway, runner)
    eventually(lambda: runner.text() == ["up"])
    (fork_server,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(fork_server), signal.SIGKILL)
    assert process.wait(PATIENCE) == 3
    assert process.stdout
    assert "the process that starts runners was killed" in process.stdout.read()
    eventually(lambda: not left_of(tmp_path))
    assert runner.completed
    assert runner.completed["outcome"] == "infrastructure"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_kill_9_of_an_agent_leaves_no_process_and_the_next_host_sweeps(
    gateway: FakeGateway, start: Start, host: StartHost, tmp_path: Path, sandbox: str
) -> None:
    runner = gateway.add_runner(f"echo up; {SLEEPER}")
    process = start(runner, sandbox)
    eventually(lambda: runner.text() == ["up"])
    process.kill()
    process.wait()
    eventually(lambda: not left_of(tmp_path))
    assert list((tmp_path / "workspaces").iterdir())
    host()
    eventually(lambda: not list((tmp_path / "workspaces").iterdir()))


@needs_bubblewrap
def test_the_command_cannot_see_the_hosts_token(gateway: FakeGateway, host: StartHost, tmp_path: Path) -> None:
    host()
    eventually(lambda: gateway.hosts)
    runner = gateway.add_runner(f"ls -A {tmp_path / 'state'} | wc -l")
    offer(gateway, runner)
    assert runner.done.wait(PATIENCE)
    assert runner.text() == ["0"]
    assert json.loads((tmp_path / "state/host.json").read_text())["token"]


@needs_bubblewrap
def test_the_files_of_a_commit_are_downloaded_once_by_a_host(
    gateway: FakeGateway, host: StartHost, tmp_path: Path
) -> None:
    content = os.urandom(3 << 20)
    digest = hashlib.sha256(content).hexdigest()
    archive = Stream()
    archive.put_all(content)
    gateway.streams[f"sources/default/default/{digest}"] = archive
    kept = tmp_path / "workspaces" / "commit-files"
    script = f'sha256sum < "$CADENCE_IN_source"; find {kept} -type f 2> /dev/null | wc -l'
    port = {"port": "source", "flow": "stream", "type": "byte", "fed": True}
    runners = [gateway.add_runner(script, number, inputs=[port]) for number in range(1, 4)]
    for runner in runners:
        runner.inputs["source"] = [archive]
    host()
    eventually(lambda: gateway.hosts)

    for runner in runners[:2]:
        offer(gateway, runner)
        assert runner.done.wait(PATIENCE)

    assert [runner.text() for runner in runners[:2]] == [[f"{digest}  -", "0"]] * 2
    assert archive.downloaded == {0: 1, 1: 1, 2: 1}
    assert len(list(kept.iterdir())) == 3

    damaged = next(iter(kept.iterdir()))
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"!")
    offer(gateway, runners[2])
    assert runners[2].done.wait(PATIENCE)

    assert runners[2].text()[0] == f"{digest}  -"
    assert sum(archive.downloaded.values()) == 4
