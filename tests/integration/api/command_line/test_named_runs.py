"""Runs that `@last` and `@failed` name, and what the command line prints of runs that other runs started."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from cadence.cli.runs import list_runs
from cadence.cli.shared import output
from cadence.cli.shared.terminal import HarmlessConsole
from cadence.domain.runs.run import ReplayOf, Run
from cadence.domain.runs.states import RunState
from tests.integration.api.calling import HELLO
from tests.integration.api.test_cli import cadence, server

__all__ = ["cadence", "server"]


@pytest.fixture
def started(api, cadence, tmp_path: Path) -> Run:
    """A run, with newer ones: a generated run that is a part of it, a replay of it, and one of another project."""
    (tmp_path / "hello.yaml").write_text(HELLO)
    first: Run = api.services.runs.get_run(cadence("run", "hello.yaml").stdout.strip())
    failed = replace(first, state=RunState.FAILED, cause="it broke", started_at=first.created_at)
    part = replace(failed, started_by_run=first.run_id, started_by_treatment="shout", generated=True)
    api.services.runs.create_run(replace(part, run_id=f"{first.run_id[:-8]}zzzzzzzx"))
    replay = replace(failed, run_id=f"{first.run_id[:-8]}zzzzzzzy", replay_of=ReplayOf(first.run_id, "greet"))
    api.services.runs.create_run(replay)
    return first


def test_the_last_run_is_none_that_another_run_started_and_no_replay(cadence, started: Run) -> None:
    assert len(cadence("runs").stdout.splitlines()) == 3
    assert json.loads(cadence("show", "@last", "--json").stdout)["run_id"] == started.run_id
    none = cadence("show", "@failed")
    assert none.exit_code == 1 and "no run that @failed could name" in none.stderr


def test_the_last_run_is_one_of_the_chosen_project(api, cadence, started: Run, monkeypatch) -> None:
    assert api("POST", "/v1/projects", {"name": "other"}).status in (200, 201)
    (Path.cwd() / "other.yaml").write_text(HELLO)
    monkeypatch.setenv("CADENCE_PROJECT", "other")
    assert "no run in project other that @last could name" in " ".join(cadence("show", "@last").stderr.split())
    other = cadence("run", "other.yaml").stdout.strip()
    assert json.loads(cadence("show", "@last", "--json").stdout)["run_id"] == other
    monkeypatch.setenv("CADENCE_PROJECT", "default")
    assert json.loads(cadence("show", "@last", "--json").stdout)["run_id"] == started.run_id


def test_a_run_says_which_run_it_is_a_part_of_or_repeats(api, cadence, started: Run) -> None:
    part, replay = f"{started.run_id[:-8]}zzzzzzzx", f"{started.run_id[:-8]}zzzzzzzy"
    listed = {row[0]: row[-1] for row in (line.split("\t") for line in cadence("runs").stdout.splitlines())}
    assert listed == {
        started.run_id: "-",
        part: f"part of {started.run_id}, treatment shout",
        replay: f"replay of {started.run_id}, treatment greet",
    }
    assert f"part of {started.run_id}, treatment shout" in " ".join(cadence("show", part).stdout.split())
    assert f"replay of {started.run_id}, treatment greet" in " ".join(cadence("show", replay).stdout.split())
    shown = api("GET", f"/v1/runs/{part}").json
    assert (shown["generated"], shown["started_by_treatment"]) == (True, "shout")


def test_runs_end_with_branch_and_commit(api, cadence, started: Run, monkeypatch) -> None:
    pushed = {"kind": "push", "branch": "topic", "commit": "1a2b3c4d5e6f"}
    api.services.runs.create_run(replace(started, run_id=f"{started.run_id[:-8]}zzzzzzzz", event=pushed))
    assert cadence("runs").stdout.splitlines()[0].split("\t")[5:] == ["topic 1a2b3c4", "-"]
    for width, heading in ((120, "COMMIT"), (100, "TIME")):
        wide = HarmlessConsole(width=width, force_terminal=True, color_system=None)
        monkeypatch.setattr(list_runs, "out", wide)
        monkeypatch.setattr(output, "out", wide)
        with wide.capture() as printed:
            cadence("runs", "--branch", "topic")
        assert printed.get().splitlines()[0].split()[-1] == heading


def test_no_runs_are_said_to_be_none(cadence, started: Run) -> None:
    none = cadence("runs", "--pipeline", "nope")
    assert (none.exit_code, none.stdout, none.stderr) == (0, "", "No runs.\n")
    assert cadence("runs", "--pipeline", "nope", "--json").stdout == "[]\n"
