"""The tree of a trace, as `cadence trace` prints it where there is no terminal."""

from typing import Any

import pytest

from cadence.cli.provenance.trace_tree import show_graph
from cadence.domain.melodium.element import ElementSpec
from cadence.domain.pipelines.specification import OutputSpec, TreatmentKind, TreatmentSpec
from cadence.domain.provenance.graph import Node, NodeId, NodeKind

RUN = "01m8ngyrp13pgn4334freb3s0r"
COMMIT = "c0ffee" + "0" * 34


def node(kind: str, name: str, **more: Any) -> dict[str, Any]:
    about = {"run_id": RUN, "treatment": None, "port": None, "value": None, "type": None, "unreported": 0, "run": None}
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


NOT_REPORTED = (
    "(2 values, which the engine did not report: start it with --debug-level detailed, "
    "or in a pool that captures full values)"
)


@pytest.mark.parametrize(
    ("ended", "unreported", "note"),
    [
        (None, 0, "(nothing sent yet)"),
        ("2026-01-02T03:04:05Z", 0, "(no value was recorded)"),
        (None, 2, NOT_REPORTED),
        ("2026-01-02T03:04:05Z", 2, NOT_REPORTED),
    ],
    ids=["running", "ended", "running-unreported", "ended-unreported"],
)
def test_a_trace_says_why_it_has_no_value(
    capsys: pytest.CaptureFixture[str], ended: str | None, unreported: int, note: str
) -> None:
    times = {"started_at": "2026-01-02T03:04:04Z", "finished_at": ended, "unreported": unreported}
    value = node("value", "value", treatment="main/emit", port="emit", **times)
    show_graph({"direction": "backward", "run_id": RUN, "start": "value", "nodes": [value], "links": []})
    assert f"main/emit.emit  {note}" in capsys.readouterr().out


def test_a_trigger_has_no_value_to_miss(capsys: pytest.CaptureFixture[str]) -> None:
    """Engines report none of a source."""
    about = {"type": "void", "finished_at": "2026-01-02T03:04:05Z", "started_at": "2026-01-02T03:04:04Z"}
    value = node("value", "value", treatment="main/startup/ready", port="trigger", **about)
    show_graph({"direction": "backward", "run_id": RUN, "start": "value", "nodes": [value], "links": []})
    assert "main/startup/ready.trigger  (a trigger)" in capsys.readouterr().out


def test_a_value_that_an_engine_did_not_report_is_counted() -> None:
    element = ElementSpec(treatment="std/flow::emit", track=0, unreported={"emit": 3, "trigger": 1})
    outputs = (
        OutputSpec(port="emit", flow="stream", type="string"),
        OutputSpec(port="trigger", flow="block", type="void"),
        OutputSpec(port="rest", flow="block", type="string"),
    )
    spec = TreatmentSpec(name="main/emit", kind=TreatmentKind.ELEMENT, outputs=outputs, element=element)
    counts = {
        output.port: Node(id=NodeId(NodeKind.VALUE, RUN, f"main/emit.{output.port}"), spec=spec).unreported
        for output in outputs
    }
    assert counts == {"emit": 3, "trigger": 0, "rest": 0}
    assert Node(id=NodeId(NodeKind.TREATMENT, RUN, "main/emit"), spec=spec).unreported == 0
