"""Named steps: their order, states, lines, variables, and how they end."""

from typing import Any

from tests.waiting import eventually

from ..conftest import PATIENCE, Start, Work
from ..fake_gateway import FakeGateway, Runner


def step(name: str, run: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "run": run, **more}


def states(done: dict[str, Any]) -> list[str]:
    return [one["state"] for one in done["steps"]["steps"]]


def text_of(runner: Runner, number: int | None) -> list[str]:
    """The lines of a step, without the agent's own."""
    lines = [line for _, line in sorted(runner.lines.items()) if line["stream"] != "agent"]
    return [line["text"] for line in lines if line.get("step") == number]


def test_steps_run_one_after_the_other_and_share_the_directory(gateway: FakeGateway, work: Work, sandbox: str) -> None:
    steps = [
        step("fetch", "pwd > where; echo fetched; printf unfinished; echo aside >&2"),
        step("build", 'test "$(cat where)" = "$PWD" && echo built "$0" | sed "s|/.*/||"'),
    ]
    runner = gateway.add_runner("", steps=steps)
    done = work(runner, sandbox)

    assert (done["outcome"], done["exit_code"], done["error"]) == ("succeeded", 0, None)
    assert states(done) == ["succeeded", "succeeded"]
    assert [one["exit_code"] for one in done["steps"]["steps"]] == [0, 0]
    assert sorted(text_of(runner, 1)) == ["aside", "fetched", "unfinished"]
    assert text_of(runner, 2) == ["built step-2"]
    assert text_of(runner, None) == []
    times = [one[name] for one in done["steps"]["steps"] for name in ("started_at", "finished_at")]
    assert times == sorted(times)


def test_the_first_that_fails_fails_the_treatment(gateway: FakeGateway, work: Work, sandbox: str) -> None:
    steps = [
        step("lint", "echo no style; exit 4", soft_fail=True),
        step("only on main", "echo never", skip=True),
        step("test", "echo broken >&2; exit 3; echo never"),
        step("publish", "echo never"),
        step("clean up", "echo cleaned; exit 5", always=True),
    ]
    runner = gateway.add_runner("", steps=steps)
    done = work(runner, sandbox)

    assert (done["outcome"], done["exit_code"]) == ("failed", 3)
    assert done["error"] == "step test: the command ended with exit code 3"
    assert states(done) == ["failed", "skipped", "failed", "skipped", "failed"]
    assert [one.get("exit_code") for one in done["steps"]["steps"]] == [4, None, 3, None, 5]
    assert [text_of(runner, number) for number in (1, 3, 5)] == [["no style"], ["broken"], ["cleaned"]]


def test_steps_on_failure_run_only_after_a_step_that_failed(gateway: FakeGateway, work: Work, sandbox: str) -> None:
    steps = [
        step("lint", "exit 4", soft_fail=True),
        step("early", "echo never", on_failure=True),
        step("test", "exit 3"),
        step("show logs", "echo logs", on_failure=True),
        step("clean up", "echo cleaned", always=True),
    ]
    runner = gateway.add_runner("", steps=steps)
    done = work(runner, sandbox)

    assert done["exit_code"] == 3
    assert states(done) == ["failed", "skipped", "failed", "succeeded", "succeeded"]


def test_a_step_sets_variables_of_later_ones(gateway: FakeGateway, work: Work, sandbox: str) -> None:
    script = """
    echo "GREETING=it's $OWN = x" >> "$CADENCE_ENV"
    printf 'NOTES<<END\\nfirst\\n  second=2\\nEND\\nPATH=%s\\n' "$PWD/bin:$PATH" >> "$CADENCE_ENV"
    printf 'not a variable\\n9=x\\nCADENCE_RUN_ID=forged\\nLAST=x' >> "$CADENCE_ENV"
    mkdir bin; printf '#!/bin/sh\\necho from bin\\n' > bin/tool; chmod +x bin/tool
    """
    steps = [
        step("set", script, env={"OWN": "ours; $HOME"}),
        step("use", 'echo "$GREETING|$NOTES|$LAST|${OWN-none}"; tool; echo "${CADENCE_RUN_ID%%forged}"'),
        step("later", 'echo "$GREETING"; test -e "$CADENCE_ENV" && test ! -s "$CADENCE_ENV"'),
    ]
    runner = gateway.add_runner("", steps=steps)
    done = work(runner, sandbox)

    assert done["outcome"] == "succeeded", (done, runner.lines)
    told = [line for line in text_of(runner, 1) if line.startswith("CADENCE_ENV: a line is left out")]
    assert len(told) == 3
    run_id = runner.assignment["run_id"]
    assert text_of(runner, 2) == ["it's ours; $HOME = x|first", "  second=2|x|none", "from bin", run_id]
    assert text_of(runner, 3) == ["it's ours; $HOME = x"]


def test_steps_of_other_programs_and_with_ports(gateway: FakeGateway, work: Work, sandbox: str) -> None:
    python = step("python", "import sys\nprint('data')\nprint('line', file=sys.stderr)", shell="python3")
    runner = gateway.add_runner(
        "",
        steps=[step("shell", "echo more data; echo aside >&2"), python],
        outputs=[{"port": "out", "flow": "stream", "type": "string"}],
        stdout="out",
    )
    done = work(runner, sandbox)

    assert done["outcome"] == "succeeded", done
    assert runner.outputs["out"].content == b"more data\ndata\n"
    assert (text_of(runner, 1), text_of(runner, 2)) == (["aside"], ["line"])


def test_states_are_reported_while_steps_run(gateway: FakeGateway, start: Start) -> None:
    runner = gateway.add_runner("", steps=[step("one", "true"), step("two", "sleep 600"), step("three", "true")])
    process = start(runner)
    seen = eventually(
        lambda: [
            beat["steps"]
            for beat in runner.heartbeats
            if [one["state"] for one in beat.get("steps", {}).get("steps", [])] == ["succeeded", "running", "pending"]
        ]
    )
    runner.cancel = "not needed any more"
    process.communicate(timeout=PATIENCE)

    done = runner.completed
    assert done is not None
    assert done["outcome"] == "cancelled"
    assert states(done) == ["succeeded", "cancelled", "skipped"]
    assert done["steps"]["revision"] > seen[0]["revision"]
    reported = [beat["steps"]["revision"] for beat in runner.heartbeats if "steps" in beat]
    assert reported == sorted(set(reported))


def test_a_step_that_is_cancelled_may_clean_up(gateway: FakeGateway, start: Start) -> None:
    script = "trap 'echo cleaned; exit 0' TERM; echo ready; while :; do sleep 0.1 || true; done"
    runner = gateway.add_runner("", steps=[step("serve", script), step("never", "echo never", always=True)])
    process = start(runner)
    eventually(lambda: "ready" in text_of(runner, 1))
    runner.cancel = "enough"
    process.communicate(timeout=PATIENCE)

    assert "cleaned" in text_of(runner, 1)
    assert runner.completed is not None
    assert states(runner.completed)[1] == "skipped"


def test_secrets_are_masked_in_steps(gateway: FakeGateway, work: Work, sandbox: str) -> None:
    runner = gateway.add_runner(
        "",
        secrets={"TOKEN": "hush-hush-7\nsecond-line-8"},
        steps=[step("tell", 'echo "$TOKEN"'), step("end", "echo x")],
    )
    done = work(runner, sandbox)

    assert done["outcome"] == "succeeded"
    assert not any("hush" in line["text"] or "second-line" in line["text"] for line in runner.lines.values())
    assert text_of(runner, 2) == ["x"]
