"""Starting, stopping and being killed: each ends with a clear message, with the data kept and no process left."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from cadence.local import commands
from cadence.local.shared.errors import LocalStackError
from cadence.local.supervision import control
from cadence.local.supervision.processes import ProcessIdentity
from cadence.local.supervision.record import StackRecord
from tests.integration.local_stack.conftest import EchoStack, running_echo
from tests.waiting import eventually

pytestmark = pytest.mark.slow


def last(url: str) -> str:
    answer: str = requests.get(f"{url}/v1/last", timeout=120).json()
    return answer


def test_while_it_serves_the_connection_is_there_for_this_user_only(echo: EchoStack) -> None:
    connection = echo.up()
    written = echo.paths.connection
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    assert stat.S_IMODE(echo.paths.home.stat().st_mode) == 0o700
    assert json.loads(written.read_text()) == {
        "url": connection.url,
        "token": "api-token",
        "melodium_url": f"{connection.url}/0.1",
        "aws_endpoint": connection.aws_endpoint,
    }
    assert control.status(echo.folder).phase == "serving"
    assert {process.name for process in control.status(echo.folder).processes} == {
        "supervisor",
        "ministack",
        "host-agent",
    }


def test_a_stack_that_was_killed_is_shown_with_what_repeats_its_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commands._show(control.StackStatus("killed", None, ()), tmp_path)
    shown = capsys.readouterr().out
    assert "`cadence local up` removes its leftovers" in shown
    assert "cadence rerun RUN --failed repeats what is missing" in shown


def test_down_leaves_no_process_and_no_connection(echo: EchoStack) -> None:
    echo.up()
    assert eventually(lambda: len(echo.alive()) == 3)  # MiniStack, the host agent and its lifeline
    assert echo.down()
    assert echo.alive() == []
    assert not echo.paths.connection.exists()
    assert not echo.paths.record.exists()
    assert control.status(echo.folder) == control.StackStatus("stopped", None, ())
    assert not echo.down()


def test_a_second_up_answers_the_address_of_the_first(echo: EchoStack) -> None:
    first = echo.up()
    assert echo.up() == first
    assert echo.said[-1] == f"The local stack is already running: {first.url}"
    assert len(echo.supervisors) == 1


def test_down_and_up_keep_the_data_and_the_address(echo: EchoStack) -> None:
    before = echo.up()
    requests.put(f"{before.url}/v1/keep", data="kept", timeout=120).raise_for_status()
    echo.down()
    after = echo.up()
    assert after.url == before.url
    assert last(after.url) == "kept"
    assert "deploying" not in "\n".join(echo.said[echo.said.index(f"Serving on {before.url}") :])


def test_a_port_in_use_is_named_and_another_one_taken(echo: EchoStack) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        connection = echo.up(port)
    assert not connection.url.endswith(f":{port}")
    assert f"port {port} is in use by another program: using {connection.url.rpartition(':')[2]}" in echo.words


def test_files_of_a_dead_stack_are_cleared_and_a_reused_process_id_is_left_alone(echo: EchoStack) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        echo.paths.make()
        reused = [ProcessIdentity(name, bystander.pid, started="1") for name in ("supervisor", "ministack")]
        StackRecord("deadbeef", "serving", reused).write(echo.paths)
        echo.paths.connection.write_text(json.dumps({"url": "http://127.0.0.1:1", "token": "old"}))
        assert control.status(echo.folder).phase == "killed"
        echo.up()
        assert bystander.poll() is None
        bystander.communicate(b"\n", timeout=120)
    assert "The last stack in this folder was killed. Its files are cleared." in echo.words


def test_an_unreadable_record_is_cleared(echo: EchoStack) -> None:
    echo.paths.make()
    echo.paths.record.write_text('{"id": "half')
    echo.up()
    assert "Its files are cleared" in echo.words


def test_what_a_killed_supervisor_started_ends_by_itself_and_the_data_is_kept(echo: EchoStack) -> None:
    connection = echo.up()
    requests.put(f"{connection.url}/v1/keep", data="written just before", timeout=120).raise_for_status()
    os.kill(echo.process("supervisor").pid, signal.SIGKILL)
    assert eventually(lambda: echo.alive() == []), echo.alive()
    assert control.status(echo.folder).phase == "killed"
    again = echo.up()
    assert "The last stack in this folder was killed." in echo.words
    assert last(again.url) == "written just before"


def test_what_is_left_when_everything_was_killed_is_ended_by_down(echo: EchoStack) -> None:
    echo.up()
    for name in ("supervisor", "host-agent"):
        os.kill(echo.process(name).pid, signal.SIGKILL)
    assert echo.alive() != []  # the host agent's own program has lost the one who would have ended it
    assert echo.down()
    assert echo.alive() == []
    assert not echo.paths.record.exists()


def test_the_stack_stops_with_the_cause_when_ministack_is_killed(echo: EchoStack) -> None:
    echo.up()
    os.kill(echo.process("ministack").pid, signal.SIGKILL)
    assert echo.supervisors[0].wait(120) == 1
    assert eventually(lambda: echo.alive() == []), echo.alive()
    log = echo.paths.log("supervisor").read_text()
    assert "error: ministack was killed by SIGKILL" in log
    assert str(echo.paths.log("ministack")) in log
    assert not echo.paths.connection.exists()


def test_a_host_agent_that_ends_stops_the_start_with_its_last_words(
    echo: EchoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECHO_FAULT", "host")
    with suppress(LocalStackError):  # which is raised if it ends before the start is complete
        echo.up()
    assert [supervisor.wait(120) for supervisor in echo.supervisors] in ([], [1])
    assert "host-agent ended with status 1; its last lines:\n  no such pool" in echo.paths.log("supervisor").read_text()


def test_a_start_that_fails_says_why_and_leaves_nothing(echo: EchoStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHO_FAULT", "synthesis")
    with pytest.raises(LocalStackError, match="The templates could not be synthesized:\nno such construct"):
        echo.up()
    assert control.status(echo.folder) == control.StackStatus("stopped", None, ())


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_start_leaves_nothing(
    echo: EchoStack, monkeypatch: pytest.MonkeyPatch, kind: signal.Signals
) -> None:
    monkeypatch.setenv("ECHO_FAULT", "slow-synthesis")
    failures: list[BaseException] = []

    def start() -> None:
        try:
            echo.up()
        except LocalStackError as error:
            failures.append(error)

    starting = threading.Thread(target=start)
    starting.start()
    assert eventually(lambda: any("starting MiniStack" in line for line in echo.said))
    os.kill(echo.record().supervisor.pid, kind)
    starting.join(180)
    assert not starting.is_alive()
    assert len(failures) == 1
    assert echo.alive() == []
    assert control.status(echo.folder).phase == "stopped"


def test_an_attached_stack_ends_with_whoever_started_it(echo: EchoStack) -> None:
    echo.up(attached=True)
    pipe = echo.supervisors[0].stdin
    assert pipe is not None
    pipe.close()  # what the system does when the starter ends, however it ends
    assert echo.supervisors[0].wait(120) == 0
    assert echo.alive() == []


def test_folders_have_stacks_of_their_own(echo: EchoStack, tmp_path_factory: pytest.TempPathFactory) -> None:
    with running_echo(tmp_path_factory.mktemp("other")) as other:
        assert echo.up().url != other.up().url
        other.down()
        assert control.status(echo.folder).phase == "serving"
