"""Tokens, leases, secrets and log batches."""

import base64
import os
import subprocess
from pathlib import Path

import pytest

from tests.waiting import eventually

from .conftest import AGENT_PYTHON, PATIENCE, Start, Work
from .fake_gateway import FakeGateway

SECRET = "correct horse+battery/staple='ü'"
KEY = "-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA7bq\nYmFzZTY0IGxpbmVzIQ\n-----END KEY-----\n"


def test_a_wrong_one_time_token(gateway: FakeGateway, start: Start) -> None:
    process = start(gateway.add_runner("true"), token="wrong-token-value")
    assert process.wait(PATIENCE) == 3
    assert process.stdout
    output = process.stdout.read()
    assert "the gateway answered 401: wrong token" in output
    assert "wrong-token-value" not in output


def test_the_claim_is_made_once_the_gateway_is_up(gateway: FakeGateway, work: Work) -> None:
    gateway.fail_next["claim"] = 3
    assert work(gateway.add_runner("true"))["outcome"] == "succeeded"


def test_a_claim_whose_answer_was_lost_is_repeated(gateway: FakeGateway, work: Work) -> None:
    gateway.lose_next["claim"] = 1
    assert work(gateway.add_runner("true"))["outcome"] == "succeeded"


def test_a_token_used_before_is_refused(gateway: FakeGateway, start: Start) -> None:
    runner = gateway.add_runner("true")
    runner.claimed = "somebody-elses-nonce"
    assert start(runner).wait(PATIENCE) == 3
    assert gateway.requests["heartbeat"] == 0


def test_the_token_may_come_in_the_environment_and_does_not_stay_there(
    gateway: FakeGateway, agent: Path, tmp_path: Path
) -> None:
    runner = gateway.add_runner("echo up; sleep 0.5")
    argv = [
        AGENT_PYTHON,
        str(agent),
        "run",
        "--gateway",
        gateway.url,
        "--runner-id",
        runner.runner_id,
        "--workspaces",
        str(tmp_path / "w"),
    ]
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, env={**os.environ, "CADENCE_RUNNER_TOKEN": runner.token})
    eventually(lambda: runner.text() == ["up"])
    assert runner.token.encode() not in Path(f"/proc/{process.pid}/environ").read_bytes()
    assert process.wait(PATIENCE) == 0


def test_no_secret_in_the_agents_environment_command_line_or_files(
    gateway: FakeGateway, start: Start, workspaces: Path, sandbox: str
) -> None:
    runner = gateway.add_runner('printf %s "$PASSWORD" | wc -c; sleep 0.5', secrets={"PASSWORD": SECRET, "KEY": KEY})
    process = start(runner, sandbox)
    eventually(lambda: runner.text())
    # One place in the machine may hold it: the environment of the command itself.
    holders = {process.pid, *children(process.pid)}
    for pid in holders:
        assert SECRET.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
        if b"cadence-agent.pyz" in Path(f"/proc/{pid}/cmdline").read_bytes():
            assert SECRET.encode() not in Path(f"/proc/{pid}/environ").read_bytes()
            assert runner.token.encode() not in Path(f"/proc/{pid}/environ").read_bytes()
    for file in workspaces.rglob("*"):
        if file.is_file():
            assert SECRET.encode() not in file.read_bytes()
    assert runner.done.wait(PATIENCE)
    assert runner.text() == [str(len(SECRET.encode()))]


def children(pid: int) -> list[int]:
    found = [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]
    return found + [grandchild for child in found for grandchild in children(child)]


@pytest.mark.skipif(os.getuid() == 0, reason="root may read every process")
def test_the_command_cannot_read_the_agents_memory(gateway: FakeGateway, work: Work) -> None:
    runner = gateway.add_runner(
        "cat /proc/$(ps -o ppid= -p $PPID | tr -d ' ')/environ >/dev/null 2>&1 && echo read || echo refused"
    )
    work(runner)
    assert runner.text() == ["refused"]


def test_printed_secrets_are_masked_everywhere(gateway: FakeGateway, work: Work) -> None:
    script = """
        printf '%s\\n' "$PASSWORD"; printf %s "$PASSWORD" | base64; printf 'u:%s' "$PASSWORD" | base64 -w0; echo
        cat > forms.py <<END
import json, os, urllib.parse
secret = os.environ["PASSWORD"]
print(json.dumps(secret), urllib.parse.quote(secret), urllib.parse.quote_plus(secret), secret.encode().hex())
END
        python3 forms.py
        printf '%s' "$KEY"; printf %s "$KEY" | base64; echo "$KEY" >&2
        printf '%s\\n' "$PASSWORD" > "$CADENCE_OUT_x"
    """
    outputs = [{"port": "x", "flow": "block", "type": "string"}]
    runner = gateway.add_runner(script, secrets={"PASSWORD": SECRET, "KEY": KEY}, outputs=outputs)
    work(runner)
    visible = "\n".join(line["text"] for line in runner.lines.values())
    assert runner.outputs["x"].end
    visible += base64.b64decode(runner.outputs["x"].end["preview"]).decode()
    for hidden in (
        SECRET,
        "battery",
        SECRET.encode().hex(),
        base64.b64encode(SECRET.encode()).decode()[:20],
        *KEY.split()[2:4],
        "MIIEpAIB",
    ):
        assert hidden not in visible
    assert visible.count("***") >= 12


def test_log_lines_are_sent_again_until_acknowledged_and_never_twice(gateway: FakeGateway, work: Work) -> None:
    gateway.fail_next["logs"] = 3
    gateway.lose_next["logs"] = 3
    runner = gateway.add_runner("seq 1 5000; seq 1 5000 >&2")
    done = work(runner)
    assert runner.text() == runner.text("stderr") == [str(number) for number in range(1, 5001)]
    assert sorted(runner.lines) == list(range(1, 10_001))
    assert done["logs_through"] == 10_000
    assert max(runner.batches) <= 20_000


def test_lines_reach_a_follower_at_once_and_others_in_batches(
    gateway: FakeGateway, start: Start, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    runner = gateway.add_runner(
        f"echo first; until test -e {go}; do sleep 0.05; done\n"
        "i=0; while test $i -lt 20; do echo $i; sleep 0.02; i=$((i+1)); done"
    )
    start(runner)
    eventually(lambda: runner.text() == ["first"])
    runner.follow = False
    beats = len(runner.heartbeats)
    eventually(lambda: len(runner.heartbeats) > beats + 1)
    go.touch()
    assert runner.done.wait(PATIENCE)
    assert runner.batches[0] == 1
    assert sum(runner.batches) == 21
    assert len(runner.batches) <= 7  # a follower would have been sent each of the 20 lines by itself


def test_a_long_line_is_split_and_marked(gateway: FakeGateway, work: Work) -> None:
    runner = gateway.add_runner("head -c 3000000 /dev/zero | tr '\\0' 'é' ; echo; echo end")
    work(runner)
    lines = [line for _, line in sorted(runner.lines.items()) if line["stream"] == "stdout"]
    assert lines[-1]["text"] == "end"
    assert [line.get("continued", False) for line in lines] == [True] * (len(lines) - 2) + [False, False]
    assert sum(len(line["text"]) for line in lines[:-1]) in (3_000_000, 6_000_000)


def test_bytes_that_are_no_text_do_not_stop_the_log(gateway: FakeGateway, work: Work) -> None:
    runner = gateway.add_runner("printf '\\377\\000x\\n'; printf 'no line end'")
    work(runner)
    assert runner.text() == ["\ufffd\0x", "no line end"]


def test_a_gateway_gone_longer_than_the_lease_fences_the_runner_off(
    gateway: FakeGateway, start: Start, workspaces: Path
) -> None:
    runner = gateway.add_runner("echo up; sleep 987654", lease_seconds=0.5)
    process = start(runner)
    eventually(lambda: runner.text() == ["up"])
    gateway.fail_next["heartbeat"] = 10**6
    assert process.wait(PATIENCE) == 1
    assert runner.completed is None
    assert list(workspaces.iterdir()) == []


@pytest.mark.parametrize("status", [409, 410])
def test_a_lost_lease_stops_at_once_and_in_silence(
    gateway: FakeGateway, start: Start, workspaces: Path, status: int
) -> None:
    runner = gateway.add_runner("trap '' TERM; echo up; sleep 987654")
    process = start(runner)
    eventually(lambda: runner.text() == ["up"])
    gateway.status["heartbeat"] = status
    assert process.wait(PATIENCE) == 1
    assert gateway.requests["complete"] == 0
    assert list(workspaces.iterdir()) == []


def test_lines_from_before_the_end_are_sent_after_the_lease_is_lost(
    gateway: FakeGateway, start: Start, workspaces: Path
) -> None:
    """Also those that the command has written and nobody has read yet, and over errors of the gateway."""
    runner = gateway.add_runner(
        "echo up; pwd > place; until test -e now; do sleep 0.01; done; seq 100000; touch written; sleep 987654"
    )
    process = start(runner)
    eventually(lambda: runner.text() == ["up"])
    eventually(lambda: [*workspaces.rglob("place")])
    (place,) = workspaces.rglob("place")
    gateway.fail_next["logs"] = 10**6
    (place.parent / "now").touch()
    eventually((place.parent / "written").exists)
    gateway.status["heartbeat"] = 410
    eventually(lambda: not place.exists())
    gateway.fail_next["logs"] = 0
    assert process.wait(PATIENCE) == 1
    assert runner.text() == ["up", *map(str, range(1, 100_001))]
    assert gateway.requests["complete"] == 0


def test_an_answer_to_log_lines_stops_the_command_of_an_attempt_that_is_over(
    gateway: FakeGateway, start: Start
) -> None:
    runner = gateway.add_runner("echo up; sleep 987654", heartbeat_seconds=300)
    runner.stop = "cancelled by ada"
    assert start(runner).wait(PATIENCE) == 1
    assert runner.text() == ["up"]
    assert [(line["text"], line["level"]) for _, line in sorted(runner.lines.items()) if line["stream"] == "agent"] == [
        ("cancelled by ada", "warning")
    ]
    assert gateway.requests["complete"] == 0


def test_sigterm_to_an_agent_interrupts_its_treatment(gateway: FakeGateway, start: Start) -> None:
    runner = gateway.add_runner("echo up; sleep 987654")
    process = start(runner)
    eventually(lambda: runner.text() == ["up"])
    process.terminate()
    assert process.wait(PATIENCE) == 0
    assert runner.completed
    assert (runner.completed["outcome"], runner.completed["error"]) == (
        "interrupted",
        "the runner received SIGTERM",
    )


def test_much_output_in_little_memory(gateway: FakeGateway, start: Start) -> None:
    """While the gateway takes no lines they wait on the disk: the agent's memory stays bounded, nothing is lost."""
    gateway.fail_next["logs"] = 8
    runner = gateway.add_runner(
        "head -c 45000 /dev/urandom | base64 -w 0 > line; i=0; while test $i -lt 1200; do cat line; echo; i=$((i+1)); done"
    )
    process = start(runner)
    peak = 0
    while not runner.done.wait(0.02):
        status = Path(f"/proc/{process.pid}/status").read_text().split()
        peak = max(peak, int(status[status.index("VmHWM:") + 1]) // 1024)
    assert len(runner.text()) == 1200
    assert set(map(len, runner.text())) == {60_000}
    assert 20 < peak < 80
