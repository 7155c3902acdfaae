"""The log of an outer run names the runs that its treatments start, and following it prints their lines."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from cadence.cli.logs import logs as logs_command
from cadence.cli.runs.follow_run import follow_run

OUTER, INNER = "01outer", "01inner"


def treatment(name: str, state: str, pool: str | None = None) -> dict[str, Any]:
    of = {"name": name, "state": state, "pool": pool, "cause": None, "waiting_for": None}
    began = None if state in ("pending", "cancelled") else "2026-12-01T00:00:00Z"
    return {**of, "started_at": began, "finished_at": None}


def line(of: str, text: str) -> dict[str, Any]:
    return {"time": "2026-12-01T00:00:00Z", "treatment": of, "level": "info", "text": text}


class Api:
    """Answers as the API does while `tests` of the outer run starts the inner run, which fails."""

    def __init__(self, states: list[str]) -> None:
        self.states = states
        self.asked: list[str] = []
        self.lines = {OUTER: [line("plan", "planned")], INNER: [line("unit", "1 failed")]}

    def run(self, run_id: str) -> Mapping[str, Any]:
        if run_id == INNER:
            return {"state": "failed"}
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        ended = state == "failed"
        group = treatment("matrix", "succeeded" if ended else "running")
        plan, instance = treatment("plan", "succeeded", "local"), treatment("matrix:0", "succeeded", "local")
        treatments = [plan, group, instance, treatment("tests", state), treatment("last", "cancelled")]
        return {
            "run_id": run_id,
            "state": "failed" if ended else "running",
            "treatments": treatments,
            "waiting_for": None,
        }

    def treatment(self, _run_id: str, name: str) -> Mapping[str, Any]:
        self.asked.append(name)
        starts = name == "tests"
        started = INNER if starts and self.asked.count("tests") > 1 else None
        return {"spec": {"kind": "trigger" if starts else "gather"}, "started_run": started}

    def logs(self, run_id: str, *_: Any, **__: Any) -> Mapping[str, Any]:
        lines, self.lines[run_id] = self.lines[run_id], []
        return {"lines": lines, "after": "1", "more": False}

    def all_logs(self, run_id: str, *_: Any, **__: Any) -> Sequence[Mapping[str, Any]]:
        return self.lines[run_id]


def test_a_followed_run_names_the_run_that_it_starts_and_prints_its_lines(
    capsys: pytest.CaptureFixture[str],
) -> None:
    api = Api(["running", "running", "failed"])

    follow_run(api, OUTER)  # type: ignore[arg-type]

    printed = capsys.readouterr().out
    started = printed.index(f"tests: run {INNER} started. Its log: cadence logs {INNER}\n")
    assert started < printed.index("tests/unit | 1 failed") < printed.index(f"tests: run {INNER} failed. Its log:")
    assert printed.count(f"run {INNER}") == 2
    # Asked again only until its run is known; a group once, and what runs on a runner or has not begun never.
    assert api.asked == ["matrix", "tests", "tests"]


def test_the_log_of_a_run_names_the_run_that_it_started(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    api = Api(["failed"])
    api.asked.append("tests")
    monkeypatch.setattr(logs_command, "connect", lambda: api)

    logs_command.logs(OUTER)

    printed = capsys.readouterr()
    assert "planned" in printed.out
    assert INNER not in printed.out  # apart from the lines, which other programs may read
    assert printed.err == f"tests: run {INNER} failed. Its log: cadence logs {INNER}\n"


class Groups(Api):
    """The outer run's instances of `deploy` start runs."""

    def run(self, run_id: str) -> Mapping[str, Any]:
        group, instance = treatment("deploy", "failed"), treatment("deploy:eu", "failed")
        return {"state": "failed", "treatments": [group, instance, treatment("deployment", "failed")]}

    def treatment(self, _run_id: str, name: str) -> Mapping[str, Any]:
        kind = "gather" if name == "deploy" else "trigger"
        return {"spec": {"kind": kind}, "started_run": f"01{name}"}


def test_the_log_of_a_group_names_the_runs_that_its_instances_started(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logs_command, "connect", lambda: Groups([]))

    logs_command.logs(OUTER, treatment=["deploy"])

    assert capsys.readouterr().err == "deploy:eu: run 01deploy:eu failed. Its log: cadence logs 01deploy:eu\n"
