"""cloud-init's document is run as a machine runs it. The agent is a stand-in that says what it was started with."""

import hashlib
import io
import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cadence.providers.bootstrap import BootOptions, user_data, warm_user_data
from cadence.providers.contract import AgentFile, CallHome, RunnerRequest
from tests.integration.bootstrap.machine import AGENT, Machine
from tests.integration.bootstrap.network import Net, proxy, served

RUNNER = "01arz3ndektsv4rrffq69g5fav-0123456789ab-1"
TOKEN = "one-time-token-of-this-runner"
QUIET = BootOptions(console=None)


@pytest.fixture
def net() -> Iterator[Net]:
    with served() as net:
        net.files["/cadence-agent.pyz"] = AGENT
        yield net


@pytest.fixture
def home(net: Net) -> CallHome:
    return CallHome(net.url, TOKEN, AgentFile(f"{net.url}/cadence-agent.pyz?sig=a%26b", digest(AGENT)))


@pytest.fixture
def request_() -> RunnerRequest:
    return RunnerRequest(runner_id=RUNNER, boot_deadline=120, max_duration=1_800)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_machine_becomes_a_runner_and_switches_itself_off(tmp_path: Path, net: Net, home: CallHome, request_):
    machine = Machine(tmp_path, user_data(home, request_, QUIET))

    booted = machine.boot()

    assert booted.status == 0, booted.console
    started_with = machine.started_agent()
    assert started_with["arguments"] == ["run", "--runner-id", RUNNER, "--gateway", net.url]
    assert started_with["token"] == TOKEN
    assert net.phases == ["booted", "agent-downloaded", "agent-verified", "started"]
    assert {(path, token) for path, token, _ in net.reports} == {
        (f"/runner/v1/runners/{RUNNER}/boot", f"Bearer {TOKEN}")
    }
    assert booted.switched_off == ["-h +42", "-h now"]


def test_the_token_is_nowhere_but_with_the_agent(tmp_path: Path, net: Net, home: CallHome, request_):
    machine = Machine(tmp_path, user_data(home, request_, QUIET))
    assert "cadence/token" not in (booted := machine.boot()).console

    assert TOKEN not in booted.console
    assert "token" not in machine.files
    assert TOKEN not in str(machine.started_agent()["variables"])
    left = [path for path in (machine.state / "cadence").rglob("*") if path.is_file()]
    assert left and not any(TOKEN.encode() in path.read_bytes() for path in left)


def test_values_from_outside_stay_values(tmp_path: Path, net: Net, home: CallHome, request_):
    nasty = "http://'$(touch /var/lib/broken)'\"`touch /var/lib/broken`\n; touch /var/lib/broken #"
    options = replace(
        QUIET, mirrors=(nasty,), no_proxy=("$(touch /var/lib/broken)", "'; touch /var/lib/broken"), proxy=None
    )
    machine = Machine(tmp_path, user_data(home, replace(request_), options))

    booted = machine.boot(CADENCE_PATIENCE="1")

    assert not (machine.state / "broken").exists()
    assert booted.status == 0, booted.console


@pytest.mark.parametrize("name", ["agent", "engine"])
def test_a_file_with_another_digest_is_refused(tmp_path: Path, net: Net, home: CallHome, request_, name: str):
    other = AgentFile(f"{net.url}/cadence-agent.pyz?sig=secret", digest(b"something else"))
    home = replace(home, agent=other) if name == "agent" else replace(home, engine=other)
    machine = Machine(tmp_path, user_data(home, request_, QUIET))

    booted = machine.boot()

    assert booted.status == 1
    assert not (machine.state / "agent.json").exists()
    assert net.phases[-1] == f"{name}-verified failed"
    detail = net.reports[-1][2]["detail"]
    assert digest(AGENT) in detail and digest(b"something else") in detail
    assert "sig=" not in booted.console + detail
    assert booted.switched_off[-1] == "-h now"


def test_a_machine_that_was_made_in_advance_asks_at_each_boot_whose_it_is(
    tmp_path: Path, net: Net, home: CallHome, request_
):
    document = warm_user_data(QUIET)
    machine = Machine(tmp_path, document)
    net.files["/latest/user-data"] = document.encode()

    first = machine.boot(CADENCE_METADATA_URL=net.url)

    assert first.status == 0, first.console
    assert "waits for a runner" in first.console
    assert first.switched_off == ["-h +15", "-h now"]
    assert not (machine.state / "agent.json").exists() and net.reports == []

    net.files["/latest/user-data"] = user_data(home, request_, QUIET).encode()
    second = machine.boot(CADENCE_METADATA_URL=net.url)

    assert second.status == 0, second.console
    started_with = machine.started_agent()
    assert (started_with["arguments"], started_with["token"]) == (
        ["run", "--runner-id", RUNNER, "--gateway", net.url],
        TOKEN,
    )
    assert net.phases == ["booted", "agent-downloaded", "agent-verified", "started"]
    assert second.switched_off[2:] == ["-h +15", "-h +42", "-h now"]
    assert "token" not in machine.files and TOKEN not in second.console


def test_a_machine_made_in_advance_that_cannot_ask_waits_on(tmp_path: Path, net: Net):
    machine = Machine(tmp_path, warm_user_data(QUIET))
    booted = machine.boot(CADENCE_METADATA_URL=net.url)
    assert booted.status == 0
    assert "wake FAILED: the machine's document cannot be read" in booted.console
    assert booted.switched_off == ["-h +15", "-h now"]


def test_the_agent_learns_whose_notices_to_listen_to(tmp_path: Path, net: Net, home: CallHome, request_):
    machine = Machine(tmp_path, user_data(home, request_, replace(QUIET, notices="aws")))
    machine.boot()
    variables = machine.started_agent()["variables"]
    assert isinstance(variables, dict)
    assert variables["CADENCE_NOTICES"] == "aws"
    assert [name for name in variables if name.startswith("CADENCE_")] == ["CADENCE_NOTICES"]


def test_the_agent_learns_where_its_image_has_engines_and_packages(tmp_path: Path, net: Net, home: CallHome, request_):
    machine = Machine(tmp_path, user_data(home, request_, QUIET))
    engines = "/opt/melodium-0.11.0/melodium:/opt/melodium-0.10.2/melodium"
    machine.boot(
        CADENCE_MELODIUM=engines,
        CADENCE_MELODIUM_PACKAGES="/opt/packages",
        MELODIUM_HOME="/opt/melodium",
        CADENCE_UNKNOWN="stays here",
    )
    variables = machine.started_agent()["variables"]
    assert isinstance(variables, dict)
    assert variables["CADENCE_MELODIUM"] == engines
    assert (variables["CADENCE_MELODIUM_PACKAGES"], variables["MELODIUM_HOME"]) == ("/opt/packages", "/opt/melodium")
    assert "CADENCE_UNKNOWN" not in variables


def test_an_internal_mirror_is_asked_first(tmp_path: Path, net: Net, home: CallHome, request_):
    with served() as mirror:
        mirror.files["/cadence/cadence-agent.pyz"] = AGENT
        booted = Machine(
            tmp_path, user_data(home, request_, replace(QUIET, mirrors=(f"{mirror.url}/cadence/",)))
        ).boot()

        assert booted.status == 0, booted.console
        assert mirror.asked == ["GET /cadence/cadence-agent.pyz"]
    assert net.asked == []


def test_a_mirror_that_has_an_old_file_does_no_harm(tmp_path: Path, net: Net, home: CallHome, request_):
    with served() as mirror:
        mirror.files["/cadence-agent.pyz"] = b"an old agent"
        machine = Machine(tmp_path, user_data(home, request_, replace(QUIET, mirrors=(mirror.url,))))
        booted = machine.boot()

    assert booted.status == 0, booted.console
    assert machine.started_agent()["token"] == TOKEN


def test_behind_a_proxy_everything_goes_through_it(tmp_path: Path, net: Net, home: CallHome, request_):
    # Nobody but the proxy knows this name.
    outside = replace(
        home,
        gateway_url="http://control.example",
        agent=AgentFile("http://control.example/cadence-agent.pyz", digest(AGENT)),
    )
    with proxy() as between:
        between.files["control"] = net.url.encode()
        machine = Machine(
            tmp_path, user_data(outside, request_, replace(QUIET, proxy=between.url, no_proxy=("internal",)))
        )
        booted = machine.boot()

        assert booted.status == 0, booted.console
        assert "GET http://control.example/cadence-agent.pyz" in between.asked
    assert net.phases[-1] == "started"
    variables = machine.started_agent()["variables"]
    assert isinstance(variables, dict)
    assert variables["https_proxy"] == between.url
    assert variables["no_proxy"].split(",") == ["localhost", "127.0.0.1", "169.254.169.254", "internal"]


def test_a_server_that_is_busy_is_asked_again(tmp_path: Path, net: Net, home: CallHome, request_):
    net.answers["/cadence-agent.pyz?sig=a%26b"] = [503, 429]
    machine = Machine(tmp_path, user_data(home, request_, QUIET))

    assert machine.boot().status == 0
    assert len(net.asked) == 3


def test_what_is_not_there_is_said_at_once(tmp_path: Path, net: Net, home: CallHome, request_):
    del net.files["/cadence-agent.pyz"]

    booted = Machine(tmp_path, user_data(home, request_, QUIET)).boot()

    assert booted.status == 1
    assert net.phases == ["booted", "agent-downloaded failed"]
    assert "404" in net.reports[-1][2]["detail"]


def test_without_python_the_machine_says_so_and_goes(tmp_path: Path, net: Net, home: CallHome, request_):
    if not shutil.which("curl"):
        pytest.skip("curl, which tells what no Python can, is not installed (apt-get install curl)")
    machine = Machine(tmp_path, user_data(home, request_, QUIET))

    booted = machine.boot(python=False)

    assert net.phases == ["python failed"]
    assert net.reports[0][1] == f"Bearer {TOKEN}"
    assert booted.switched_off == ["-h +42", "-h now"]
    assert "token" not in machine.files


def test_a_python_that_is_too_old_is_none(tmp_path: Path, net: Net, home: CallHome, request_):
    machine = Machine(tmp_path, user_data(home, request_, QUIET))
    machine.program("python3", "exit 1")

    booted = machine.boot(python=False, curl=False)

    assert booted.status == 1
    assert "python FAILED: there is no Python 3.9 or newer on this machine" in booted.console
    assert net.reports == []


def test_without_a_network_the_console_has_the_phase(tmp_path: Path, home: CallHome, request_):
    nowhere = replace(home, gateway_url="http://127.0.0.1:9", agent=AgentFile("http://127.0.0.1:9/agent.pyz", "0" * 64))
    machine = Machine(tmp_path, user_data(nowhere, request_, replace(QUIET, console="/var/lib/console")))
    (machine.state / "console").touch()

    booted = machine.boot(CADENCE_PATIENCE="1")

    assert booted.status == 1
    for printed in (booted.console, (machine.state / "console").read_text()):
        assert "agent-downloaded FAILED" in printed
        assert "the report could not be sent to the control plane" in printed


def test_the_engine_comes_where_it_is_needed(tmp_path: Path, net: Net, home: CallHome, request_):
    net.files["/melodium.tar.gz"] = archive(melodium=b'#!/bin/sh\necho "melodium 0.10"\n')
    engine = AgentFile(f"{net.url}/melodium.tar.gz", digest(net.files["/melodium.tar.gz"]))
    machine = Machine(tmp_path, user_data(replace(home, engine=engine), request_, QUIET))

    booted = machine.boot()

    assert booted.status == 0, booted.console
    assert net.phases[-3:] == ["engine-downloaded", "engine-verified", "started"]
    variables = machine.started_agent()["variables"]
    assert isinstance(variables, dict)
    assert variables["PATH"].startswith("/var/lib/cadence/home/bin:")
    assert (machine.state / "cadence/home/bin/melodium").stat().st_mode & 0o700 == 0o700


def test_an_engine_that_does_not_run_here_says_so(tmp_path: Path, net: Net, home: CallHome, request_):
    net.files["/melodium"] = b"#!/bin/sh\nexit 3\n"
    engine = AgentFile(f"{net.url}/melodium", digest(net.files["/melodium"]))

    booted = Machine(tmp_path, user_data(replace(home, engine=engine), request_, QUIET)).boot()

    assert booted.status == 1
    assert net.phases[-1] == "engine-started failed"


def test_an_agent_may_get_another_command_than_to_be_a_runner(tmp_path: Path, net: Net, home: CallHome, request_):
    machine = Machine(tmp_path, user_data(home, request_, QUIET))
    machine.script = f"{machine.script} host --pool far"

    booted = machine.boot(CADENCE_JOIN_TOKEN="join-token")

    assert booted.status == 0, booted.console
    started_with = machine.started_agent()
    assert started_with["arguments"] == ["host", "--pool", "far", "--gateway", net.url]
    assert started_with["token"] == "join-token"
    assert net.reports == []


def archive(**files: bytes) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as opened:
        for name, content in files.items():
            member = tarfile.TarInfo(f"melodium-0.10/{name}")
            member.size = len(content)
            opened.addfile(member, io.BytesIO(content))
    return written.getvalue()
