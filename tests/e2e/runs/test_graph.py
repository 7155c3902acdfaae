"""`cadence graph` over a real run: what flows while it runs, and the critical path then and at its end."""

import json
from typing import Any

from tests.e2e.api import Api
from tests.e2e.conftest import Cadence
from tests.waiting import last_look

TREATMENTS = {
    "first": {"run": "sleep 3"},
    "send": {
        "after": ["first"],
        "outputs": {"parts": "Stream<byte>"},
        "run": (
            "for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do\n"
            '  head -c 100000 /dev/zero; sleep 1\ndone > "$CADENCE_OUT_parts"'
        ),
    },
    "take": {"inputs": {"parts": "Stream<byte>"}, "run": 'wc -c < "$CADENCE_IN_parts"; sleep 2'},
    "beside": {"run": "true"},
}


def streaming(graph: dict[str, Any]) -> dict[str, Any]:
    """The edge of the stream."""
    edge: dict[str, Any] = next(one for one in graph["edges"] if one["target_port"] == "parts")
    return edge


def test_what_flows_and_the_critical_path(api: Api, cadence: Cadence) -> None:
    connections = ["send.parts -> take.parts"]
    run_id = api.start({"cadence": 1, "name": "flowing", "treatments": TREATMENTS, "connections": connections})

    def shown_graph() -> dict[str, Any]:
        graph: dict[str, Any] = json.loads(cadence("graph", run_id, "--json", "--seconds", "3").stdout)
        return graph

    graph = last_look(shown_graph, lambda graph: (streaming(graph)["flow_now"] or {}).get("per_second"))
    edge = streaming(graph)
    assert edge["flow_now"]["size"] >= 100_000
    assert edge["flow_now"]["stalled"] is False
    assert [step["treatment"] for step in graph["critical_path"]] == ["first", "send"]
    assert graph["critical_path"][-1]["state"] == "running"

    assert api.finished(run_id)["state"] == "succeeded"
    ended = json.loads(cadence("graph", run_id, "--json").stdout)
    path = ended["critical_path"]
    assert [step["treatment"] for step in path] == ["first", "send", "take"]
    assert [step["until"] for step in path[:-1]] == [step["since"] for step in path[1:]]
    assert path[0]["ran"] >= 3
    assert path[1]["ran"] >= 14
    assert path[2]["ran"] >= 1
    assert {node["name"]: (node["kind"], node["attempt"]) for node in ended["nodes"]} == dict.fromkeys(
        TREATMENTS, ("command", 1)
    )
    shown = cadence("graph", run_id).stdout
    assert "first → send → take, " in shown
    assert "send.parts" in shown
