"""The environment of a command, and how each kind of end is reported."""

import json
import stat
from pathlib import Path

import pytest

from tests.programs import needs_bubblewrap
from tests.waiting import eventually

from .conftest import PATIENCE, Start, Work
from .fake_gateway import FakeGateway


def test_hello(gateway: FakeGateway, work: Work, sandbox: str, workspaces: Path) -> None:
    runner = gateway.add_runner("echo hello; echo oops >&2")
    done = work(runner, sandbox)
    assert (done["outcome"], done["exit_code"], done["error"]) == ("succeeded", 0, None)
    assert runner.text() == ["hello"]
    assert runner.text("stderr") == ["oops"]
    assert done["logs_through"] == len(runner.lines) == max(runner.lines)
    assert done["started_at"] <= done["finished_at"]
    assert list(workspaces.iterdir()) == []


def test_the_environment_is_clean_and_complete(gateway: FakeGateway, work: Work, sandbox: str) -> None:
    runner = gateway.add_runner(
        'env; echo "event $(cat "$CADENCE_EVENT_FILE")"; echo "files $(ls -A | wc -l)"; echo "in $PWD"',
        env={"MODE": "fast", "CI": "override"},
        secrets={"TOKEN": "s3cr3t-value"},
        parameters={"ref": "main", "count": 3, "deep": {"a": [True]}, "with-dash": None},
        event={
            "kind": "pull_request",
            "repository": "acme/site",
            "repository_url": "https://x.invalid/r",
            "commit": "abc",
            "branch": "fix",
            "number": 7,
            "base_branch": "main",
            "base_commit": "def",
            "changed_files": ["a b.txt"],
            "nested": {"a": 1},
        },
        inputs=[{"port": "a", "flow": "stream", "type": "byte"}],
        outputs=[{"port": "b-c", "flow": "block", "type": "void"}],
    )
    runner.inputs["a"] = [gateway.new_stream()]
    work(runner, sandbox, env={"AGENTS_OWN": "leaks"})
    seen = dict(line.split("=", 1) for line in runner.text() if "=" in line)
    home = seen["HOME"]
    expected = {
        "CADENCE": "1",
        "CADENCE_RUN_ID": runner.assignment["run_id"],
        "CADENCE_TREATMENT": "t1",
        "CADENCE_ATTEMPT": "1",
        "CADENCE_PIPELINE": "example",
        "CADENCE_PARAM_ref": "main",
        "CADENCE_PARAM_count": "3",
        "CADENCE_PARAM_deep": '{"a": [true]}',
        "CADENCE_PARAM_with_dash": "null",
        "CADENCE_EVENT_REPOSITORY_URL": "https://x.invalid/r",
        "CADENCE_EVENT_COMMIT": "abc",
        "CADENCE_REPOSITORY": "acme/site",
        "CADENCE_COMMIT": "abc",
        "CADENCE_BRANCH": "fix",
        "CADENCE_PULL_REQUEST": "7",
        "CADENCE_BASE_BRANCH": "main",
        "CADENCE_BASE_COMMIT": "def",
        "CADENCE_CHANGED_FILES": f"{home}/changed-files",
        "CADENCE_SUMMARY": f"{home}/out/summary.md",
        "CADENCE_IN_a": f"{home}/in/a",
        "CADENCE_OUT_b_c": f"{home}/out/b-c",
        "MODE": "fast",
        "CI": "override",
        "LANG": "C.UTF-8",
        "TMPDIR": f"{home}/tmp",
        "TOKEN": "***",
    }
    assert {name: seen.get(name) for name in expected} == expected
    assert not {"AGENTS_OWN", "CADENCE_EVENT_NESTED", "CADENCE_TAG"} & set(seen)
    event = next(line for line in runner.text() if line.startswith("event "))
    assert json.loads(event.removeprefix("event ")) == runner.assignment["event"]
    assert {f"in {home}/work", "files 0"} <= set(runner.text())


def test_changed_files_are_lines_of_a_file(gateway: FakeGateway, work: Work, sandbox: str) -> None:
    paths = ["a b.txt", "docs/ä.md", "no\nline"]
    runner = gateway.add_runner('cat "$CADENCE_CHANGED_FILES"', event={"kind": "push", "changed_files": paths})
    work(runner, sandbox)
    assert runner.text() == ["a b.txt", "docs/ä.md"]


def test_unknown_changed_files_have_no_variable(gateway: FakeGateway, work: Work) -> None:
    runner = gateway.add_runner('echo "${CADENCE_CHANGED_FILES-unset}"', event={"kind": "push"})
    work(runner)
    assert runner.text() == ["unset"]


def test_another_shell_and_a_script_larger_than_an_argument_may_be(gateway: FakeGateway, work: Work) -> None:
    runner = gateway.add_runner(
        "import sys\n" + "# filler\n" * 60_000 + "print(sys.version_info.major)\n", shell="python3 -I"
    )
    work(runner)
    assert runner.text() == ["3"]


@pytest.mark.parametrize(
    ("script", "code", "error"),
    [
        ("exit 7", 7, "the command ended with exit code 7"),
        ("no-such-program", 127, "the command ended with exit code 127: something it calls was not found"),
        ("false; echo not reached", 1, "the command ended with exit code 1"),
    ],
)
def test_a_failing_command(gateway: FakeGateway, work: Work, sandbox: str, script: str, code: int, error: str) -> None:
    done = work(gateway.add_runner(script), sandbox)
    assert (done["outcome"], done["exit_code"], done["error"]) == ("failed", code, error)


def test_a_command_killed_by_a_signal(gateway: FakeGateway, work: Work) -> None:
    done = work(gateway.add_runner("kill -9 $$"))
    assert (done["outcome"], done["exit_code"], done["signal"]) == ("failed", None, 9)
    assert done["error"] == "the command was killed by signal 9 (SIGKILL)"


def test_a_shell_that_is_not_there(gateway: FakeGateway, work: Work) -> None:
    done = work(gateway.add_runner("true", shell="no-such-shell -e"))
    assert (done["outcome"], done["exit_code"]) == ("failed", 127)
    assert done["error"] == "the command cannot be started: no-such-shell: No such file or directory"


def test_cancel_lets_the_command_clean_up(gateway: FakeGateway, start: Start, sandbox: str) -> None:
    runner = gateway.add_runner("trap 'echo cleaning; exit 0' TERM; echo up; while :; do sleep 0.05; done")
    start(runner, sandbox)
    eventually(lambda: runner.text() == ["up"])
    runner.cancel = "cancelled by ada"
    assert runner.done.wait(PATIENCE)
    assert runner.completed
    assert (runner.completed["outcome"], runner.completed["error"]) == ("cancelled", "cancelled by ada")
    assert runner.text() == ["up", "cleaning"]
    (reason,) = [line for line in runner.lines.values() if line["stream"] == "agent"]
    assert (reason["text"], reason["level"]) == ("cancelled by ada", "warning")


def test_max_duration(gateway: FakeGateway, work: Work, sandbox: str) -> None:
    done = work(gateway.add_runner("echo up; sleep 987654", max_duration=0.3), sandbox)
    assert (done["outcome"], done["error"]) == ("timed_out", "the command ran longer than the 0.3 s it may take")


def test_what_the_command_leaves_running_ends_with_it(gateway: FakeGateway, work: Work, sandbox: str) -> None:
    """Not even a process in a session of its own outlives the command or holds its output open."""
    done = work(gateway.add_runner("setsid sleep 987654 & sleep 987654 & echo bye"), sandbox)
    assert done["outcome"] == "succeeded"


def test_the_workspace_is_private_and_goes_even_if_made_unwritable(
    gateway: FakeGateway, start: Start, workspaces: Path
) -> None:
    runner = gateway.add_runner("mkdir -p a/b; touch a/b/c; chmod 0 a/b a; echo up; sleep 0.3")
    start(runner)
    eventually(lambda: runner.text() == ["up"])
    (workspace,) = workspaces.iterdir()
    assert stat.S_IMODE(workspace.stat().st_mode) == 0o700
    assert runner.done.wait(PATIENCE)
    eventually(lambda: not list(workspaces.iterdir()))


@needs_bubblewrap
def test_the_sandbox_keeps_the_host_as_it_is(gateway: FakeGateway, work: Work) -> None:
    runner = gateway.add_runner(
        "touch /usr/escaped && echo escaped || echo kept; touch /tmp/mine && echo private; echo $$"
    )
    work(runner, "bwrap")
    assert runner.text()[:2] == ["kept", "private"]
    assert int(runner.text()[2]) < 10
    assert not Path("/usr/escaped").exists()
    assert not Path("/tmp/mine").exists()


def test_a_treatment_larger_than_the_disk(gateway: FakeGateway, work: Work) -> None:
    done = work(gateway.add_runner("true", limits={"storage": 10**9}))
    assert done["outcome"] == "infrastructure"
    assert done["error"].startswith("the treatment asks for 1000000000 MB of storage, but the disk of ")


def test_a_workspace_that_cannot_be_made(gateway: FakeGateway, work: Work, workspaces: Path) -> None:
    workspaces.write_text("a file is in the way")
    done = work(gateway.add_runner("true"))
    assert done["outcome"] == "infrastructure"
    assert done["error"] == f"the workspace cannot be created in {workspaces}: File exists"


def test_no_container_engine(gateway: FakeGateway, work: Work, tmp_path: Path) -> None:
    done = work(gateway.add_runner("true", image="alpine:3"), env={"PATH": str(tmp_path)})
    assert done["outcome"] == "infrastructure"
    assert done["error"] == "the treatment needs a container image, but this machine has none of podman, docker"


def test_samples_and_usage(gateway: FakeGateway, work: Work, sandbox: str) -> None:
    runner = gateway.add_runner(
        "i=0; while test $i -lt 300000; do i=$((i+1)); done; head -c 1000000 /dev/zero > file; sleep 1.2"
    )
    usage = work(runner, sandbox)["usage"]
    assert usage["cpu_ms"] > 20
    assert usage["memory_peak"] > 0
    assert usage["duration_ms"] >= 200
    # Nothing of so short a treatment was told before its end, unless a busy machine made it a long one.
    assert usage["duration_ms"] > 8_000 or not [sample for beat in runner.heartbeats for sample in beat["samples"]]
    assert runner.completed is not None
    samples = runner.completed["samples"]
    assert samples
    assert samples[-1]["disk_bytes"] >= 1_000_000
    assert usage["disk_peak"] >= 1_000_000
    assert {"rx_bytes", "tx_bytes", "shared_network"} <= samples[-1].keys()
    assert [sample["cpu_ms"] for sample in samples] == sorted(sample["cpu_ms"] for sample in samples)
    assert {"running"} <= {beat["phase"] for beat in runner.heartbeats}
