"""The program `cadence` as a developer uses it, against the running stack."""

import hashlib
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cadence.local.shared.paths import CHECKOUT
from tests.e2e.account import Account
from tests.e2e.api import Api
from tests.e2e.conftest import Cadence, Stack
from tests.waiting import eventually

pytestmark = pytest.mark.slow

EXAMPLES = CHECKOUT / "examples"
# Line and finding of each mistake in examples/ten-mistakes.yaml.
MISTAKES = {
    (3, "bad-name"), (5, "unknown-key"), (7, "bad-default"), (14, "bad-type"), (15, "wrong-type"), (18, "input-not-fed"),
    (19, "reserved-variable"), (23, "cycle"), (24, "out-of-range"), (27, "type-mismatch"),
}  # fmt: skip
LARGE = 3 * 8 * 1024 * 1024 + 12_345  # bytes; more than three chunks


def executions(stack: Stack, **status: str) -> set[str]:
    machines = Account(stack).root("stepfunctions")
    pages = machines.get_paginator("list_executions")
    return {
        execution["executionArn"]
        for machine in machines.list_state_machines()["stateMachines"]
        for page in pages.paginate(stateMachineArn=machine["stateMachineArn"], **status)
        for execution in page["executions"]
    }


def at_rest(api: Api, stack: Stack) -> tuple[list[str], set[str], set[str]]:
    """The newest run, all executions and all runners, once nothing runs any more that an earlier test has started."""
    eventually(lambda: not executions(stack, statusFilter="RUNNING"), what="executions go on")
    runs, runners = api.get("/v1/runs", limit=1)["items"], api.get("/v1/runners")["items"]
    return [one["run_id"] for one in runs], executions(stack), {one["runner_id"] for one in runners}


def test_all_ten_mistakes_are_told_at_once_and_start_nothing(cadence: Cadence, api: Api, stack: Stack) -> None:
    file = str(EXAMPLES / "ten-mistakes.yaml")
    newest, executed, runners = at_rest(api, stack)

    for command in ("validate", "run"):
        told = cadence(command, file, status=1).stderr
        found = re.findall(rf"^{re.escape(file)}:(\d+):\d+: error\[([a-z-]+)\]", told, re.MULTILINE)
        assert {(int(line), code) for line, code in found} == MISTAKES
        assert told.count("hint: ") == len(MISTAKES)
    cadence("pipeline", "create", file, status=1)

    newest_now, executed_now, runners_now = at_rest(api, stack)
    assert (newest_now, executed_now) == (newest, executed)
    assert runners_now <= runners  # one of a run that has just ended may have left


def test_a_stack_is_found_from_another_folder_by_what_local_env_prints(
    cadence: Cadence, stack: Stack, tmp_path: Path
) -> None:
    printed = cadence("local", "env", "--folder", str(stack.folder)).stdout
    program = shlex.quote(str(Path(sys.executable).with_name("cadence")))
    done = subprocess.run(
        ["sh", "-ec", f'eval "$1"\n{program} project list --json', "sh", printed],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert "default" in [project["name"] for project in json.loads(done.stdout)]
    assert "No local stack is running" in cadence("local", "env", "--folder", str(tmp_path), status=1).stderr


def test_following_a_run_that_succeeds(cadence: Cadence) -> None:
    done = cadence("run", str(EXAMPLES / "hello.yaml"), "--follow", "--param", "name=Ada")

    assert re.search(r"^\d\d:\d\d:\d\d greet \| Hello, Ada!$", done.stdout, re.MULTILINE)
    assert re.search(r"^run [0-9a-z]{26}: succeeded in [\d.]+ s$", done.stdout, re.MULTILINE)


def test_a_failure_is_explained_cause_first(cadence: Cadence) -> None:
    followed = cadence("run", str(EXAMPLES / "failing.yaml"), "-f", status=1).stdout
    run_id = re.findall(r"^Details: cadence show ([0-9a-z]{26})$", followed, re.MULTILINE)[0]

    shown = cadence("show", run_id).stdout.splitlines()
    assert shown[0] == f"run {run_id}  failed"
    assert shown[1].split(None, 1) == ["cause", "check failed: the command ended with exit code 3"]
    heading = shown.index("check failed, exit code 3: the command ended with exit code 3")
    table = next(number for number, line in enumerate(shown) if line.startswith("TREATMENT "))
    reason = [line for line in shown[heading:table] if "release-notes.md is missing or empty" in line]
    assert len(reason) == 1
    assert any(line.split()[:2] == ["publish", "skipped"] and "check failed" in line for line in shown[table:])
    treatment = cadence("show", run_id, "check").stdout.splitlines()
    assert treatment[0].startswith("treatment check  failed · exit code 3 · ran ")
    assert treatment[2:4] == ["cause", "    the command ended with exit code 3"]
    assert "release-notes.md is missing or empty" in "\n".join(treatment[4:10])
    assert any("cp release-notes.md" in line for line in treatment)
    headings = [line for line in treatment if line and not line.startswith(" ")][1:]
    assert headings[0] == "cause"
    assert [line for line in headings if line in {"history", "resources", "definition", "runners"}] == [
        "history",
        "resources",
        "definition",
        "runners",
    ]


def test_logs_search_trace_and_cancel(cadence: Cadence, api: Api, tmp_path: Path) -> None:
    file = tmp_path / "slow.yaml"
    file.write_text(
        "cadence: 1\nname: slow\ntreatments:\n  wait:\n    outputs: {word: Block<string>}\n"
        '    run: for n in 1 2 3; do echo "tick-$CADENCE_RUN $n"; sleep 0.3; done; echo done > $CADENCE_OUT_word\n'
        "  long: {run: sleep 300}\n"
    )
    run_id = cadence("run", str(file)).stdout.strip()
    api.until(run_id, lambda run: {"succeeded"} & {one["state"] for one in run["treatments"]})

    traced = cadence("trace", run_id, "wait.word").stdout
    assert traced.startswith("wait.word  5 B  sha256:")
    assert cadence("value", "download", run_id, "wait.word").stdout == "done\n"
    assert cadence("logs", run_id, "--grep", " [23]$", "-t", "wait").stdout.count("tick-") == 2
    assert cadence("cancel", run_id).stdout.startswith(f"Run {run_id} of ")
    followed = cadence("logs", run_id, "-f").stdout
    assert followed.count("tick-") == 3
    assert api.run(run_id)["state"] == "cancelled"
    cadence("cancel", run_id, status=1)
    assert "cancelled" in cadence("runs", "--limit", "200", "--state", "cancelled").stdout
    found = cadence("search", "tick-", "--limit", "1000").stdout
    assert found.count(run_id) >= 3


def test_a_secret_is_never_echoed(cadence: Cadence) -> None:
    value = "correct horse battery staple"
    answers = [
        cadence("secret", "set", "e2e-cli", stdin=value + "\n"),
        cadence("secret", "set", "e2e-cli", "--json", stdin=value),
        cadence("secret", "list"),
        cadence("secret", "set", "0 wrong", stdin=value, status=2),
        cadence("secret", "set", "e2e-cli", value, stdin="", status=2),
        cadence("secret", "set", "e2e-cli", stdin="", status=2),
        cadence("secret", "delete", "e2e-cli"),
    ]

    told = "".join(answer.stdout + answer.stderr for index, answer in enumerate(answers) if index != 4)
    assert "horse" not in told
    assert "e2e-cli" in answers[2].stdout
    assert "e2e-cli" not in cadence("secret", "list").stdout


def test_every_command_answers_in_json(cadence: Cadence) -> None:
    def answer(*words: str, **how: Any) -> Any:
        return json.loads(cadence(*words, "--json", **how).stdout)

    hello, mistakes = str(EXAMPLES / "hello.yaml"), str(EXAMPLES / "ten-mistakes.yaml")
    assert answer("validate", hello)["valid"] is True
    assert answer("validate", mistakes, status=1)["valid"] is False
    assert len(answer("run", mistakes, status=1)["findings"]) == len(MISTAKES)
    run_id = answer("run", hello, "--follow")["run_id"]
    assert answer("pipeline", "create", hello)["name"] == "hello"
    assert answer("pipeline", "show", "hello")["document"] == Path(hello).read_text()
    assert answer("start", "hello", "-f")["state"] == "succeeded"
    assert answer("rerun", run_id, "-f")["state"] == "succeeded"
    assert answer("show", run_id)["run_id"] == run_id
    assert answer("show", run_id, "greet")["name"] == "greet"
    lines = cadence("logs", run_id, "--json").stdout.splitlines()
    assert "Hello, world!" in [json.loads(line)["text"] for line in lines]
    assert answer("search", "Hello, world!")["lines"]
    assert answer("trace", run_id, "greet.greeting")["origin"]["treatment"] == "greet"
    assert answer("value", "download", run_id, "greet.greeting")["size"] == len("Hello, world!\n")
    token = answer("token", "create", "e2e-cli", "--permission", "runs:read")
    assert answer("token", "delete", token["token_id"]) == {"deleted": token["token_id"]}
    assert answer("githost", "create", "e2e-cli")["webhook_secret"]
    for listing in ("pipeline", "secret", "token", "githost", "pool", "host", "runner"):
        assert isinstance(answer(listing, "list"), list)
    assert isinstance(answer("runs"), list)
    assert answer("show", "unknown", status=1)["code"] == "not_found"
    assert answer("cancel", run_id, status=1)["code"] == "conflict"


def test_exit_codes(cadence: Cadence, stack: Stack) -> None:
    hello = str(EXAMPLES / "hello.yaml")
    for words in (
        ("nonsense",), ("run",), ("run", "missing.yaml"), ("run", hello, "--param", "name"), ("runs", "--limit", "0"),
        ("runs", "--state", "nonsense"), ("trace", "r", "nonsense"), ("logs", "r", "--nonsense"), ("secret",),
    ):  # fmt: skip
        told = cadence(*words, status=2)
        assert told.stderr or told.stdout
    narrow = cadence("token", "create", "narrow", "--permission", "runs:read").stdout.strip()
    assert cadence("runs", CADENCE_URL=stack.url, CADENCE_TOKEN=narrow).returncode == 0
    refused = cadence("run", hello, status=3, CADENCE_URL=stack.url, CADENCE_TOKEN=narrow)
    assert "runs:start" in refused.stderr
    assert "Check CADENCE_TOKEN" in cadence("runs", status=3, CADENCE_URL=stack.url, CADENCE_TOKEN="cad_wrong").stderr
    assert "cannot be reached" in cadence("runs", status=3, CADENCE_URL="http://127.0.0.1:1", CADENCE_TOKEN="x").stderr
    for command in ("cadence", "cadence run", "cadence secret"):
        assert cadence(*command.split()[1:], "--help").stdout.startswith(f"Usage: {command} ")


def test_a_value_of_many_chunks_is_downloaded_whole(cadence: Cadence, api: Api, tmp_path: Path) -> None:
    make = f"head -c {LARGE} /dev/urandom | tee copy > $CADENCE_OUT_bytes; sha256sum < copy; sha256sum < copy > $CADENCE_OUT_sum"
    outputs = {"bytes": "Stream<byte>", "sum": "Block<string>"}
    run_id = api.start({"cadence": 1, "name": "large", "treatments": {"make": {"run": make, "outputs": outputs}}})
    run = api.finished(run_id)
    assert run["state"] == "succeeded", run["cause"]

    cadence("value", "download", run_id, "make.bytes", "--output", str(tmp_path / "bytes"))

    content = (tmp_path / "bytes").read_bytes()
    assert len(content) == LARGE
    digest = hashlib.sha256(content).hexdigest()
    assert digest == api.value(run_id, "make", "bytes")["sha256"]
    assert digest == api.value(run_id, "make", "sum")["preview"].split()[0]
