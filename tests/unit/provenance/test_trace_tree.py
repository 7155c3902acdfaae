"""The tree of a trace, as `cadence trace` prints it where there is no terminal."""

from typing import Any

import pytest

from cadence.cli.provenance.trace_tree import show_graph

RUN = "01m8ngyrp13pgn4334freb3s0r"
COMMIT = "c0ffee" + "0" * 34


def node(kind: str, name: str, **more: Any) -> dict[str, Any]:
    about = {"run_id": RUN, "treatment": None, "port": None, "value": None, "run": None}
    ended = {"state": "succeeded", "started_at": None, "finished_at": None, "runner": None, "kept_from": None}
    return {"id": name, "kind": kind, "cut": False, "next": None, **about, **ended, **more}


def link(effect: str, cause: str, kind: str) -> dict[str, Any]:
    parts = {"cause_part": None, "effect_part": None}
    return {"effect": effect, "cause": cause, "kind": kind, "basis": "recorded", "note": None, **parts}


def printed(capsys: pytest.CaptureFixture[str], event: dict[str, Any]) -> str:
    value = {"size": 3, "sha256": "ab" * 32, "not_kept": None}
    run = {
        "pipeline": "site",
        "version": 2,
        "state": "succeeded",
        "created_at": "2026-01-02T03:04:05Z",
        "created_by": "github hub",
        "parameters": {},
        "event": event,
    }
    show_graph(
        {
            "direction": "backward",
            "run_id": RUN,
            "start": "value",
            "nodes": [
                node("value", "value", treatment="checkout", port="source", value=value),
                node("treatment", "treatment", treatment="checkout"),
                node("run", "run", run=run),
            ],
            "links": [link("value", "treatment", "generated_by"), link("treatment", "run", "part_of")],
        }
    )
    return capsys.readouterr().out


def test_the_trace_of_a_checkout_ends_at_the_commit(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, {"kind": "push", "commit": COMMIT, "branch": "main", "repository": "acme/site"})

    assert "checkout.source" in out
    assert f"commit {COMMIT} of main of acme/site" in out


def test_a_run_without_a_commit_adds_nothing_to_the_trace(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, {"kind": "api"})

    assert "checkout.source" in out
    assert "commit" not in out
    assert "run " not in out


@pytest.mark.parametrize(
    ("ended", "note"),
    [(None, "(nothing sent yet)"), ("2026-01-02T03:04:05Z", "(no value was recorded)")],
    ids=["running", "ended"],
)
def test_what_has_no_value_may_still_get_one_until_it_ends(
    capsys: pytest.CaptureFixture[str], ended: str | None, note: str
) -> None:
    """An engine that reports without values has sent some that are not here."""
    times = {"started_at": "2026-01-02T03:04:04Z", "finished_at": ended}
    value = node("value", "value", treatment="main/emit", port="emit", **times)
    show_graph({"direction": "backward", "run_id": RUN, "start": "value", "nodes": [value], "links": []})
    assert f"main/emit.emit  {note}" in capsys.readouterr().out
