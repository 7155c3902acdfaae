"""Runs that `@last` and `@failed` name, and what the command line prints of runs that other runs started."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

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
    api.services.runs.create_run(replace(part, run_id=f"{first.run_id[:-2]}zx"))
    replay = replace(failed, run_id=f"{first.run_id[:-2]}zy", replay_of=ReplayOf(first.run_id, "greet"))
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
