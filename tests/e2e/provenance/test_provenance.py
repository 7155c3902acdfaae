"""One wrong value is followed back, and forward, over treatments, runners and runs on the running stack."""

import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.api import Api
from tests.e2e.conftest import Stack

ROWS = b"apple 3\nbanana 5\ncherry -7\ndate 2\n"


def documents(key: str, child: str) -> dict[str, Any]:
    """Rows are filtered, each of those left becomes an instance, and their sum starts a run of another pipeline."""
    return {
        "cadence": 1,
        "name": f"orders-{key}",
        "parameters": {"broken": {"type": "bool", "default": True}},
        "treatments": {
            "tools": {
                "cache": {"key": key, "paths": ["store/"]},
                "run": 'mkdir -p store; echo 1.2 >> store/version; head -n 1 store/version > "$CADENCE_OUT_version"',
                "outputs": {"version": "Block<string>"},
            },
            "rows": {
                "run": f"printf '{ROWS.decode().encode('unicode_escape').decode()}' > \"$CADENCE_OUT_out\"",
                "outputs": {"out": "Stream<string>"},
            },
            "keep": {
                "inputs": {"in": "Stream<string>"},
                "outputs": {"out": "Stream<string>"},
                "run": 'grep -v banana < "$CADENCE_IN_in" > "$CADENCE_OUT_out"',
            },
            "amount": {
                "each": {"input": "row", "parallel": 3},
                "inputs": {"row": "Block<string>"},
                "outputs": {"n": "Block<i64>"},
                "run": 'set -- $(cat "$CADENCE_IN_row"); echo "$2" > "$CADENCE_OUT_n"',
            },
            "total": {
                "inputs": {"all": "Block<Vec<i64>>", "version": "Block<string>"},
                "outputs": {"n": "Block<i64>"},
                "shell": "python3",
                "run": (
                    "import json, os\n"
                    'numbers = json.load(open(os.environ["CADENCE_IN_all"]))\n'
                    'print("cherry -7")\n'
                    'print(sum(numbers), file=open(os.environ["CADENCE_OUT_n"], "w"))'
                ),
            },
            "check": {
                "inputs": {"n": "Block<i64>"},
                "run": '[ "$CADENCE_RUN_ID" != "" ] && [ "$(cat "$CADENCE_IN_n")" = 10 ]',
            },
            "go": {"trigger": {"pipeline": child}, "inputs": {"total": "Block<i64>"}},
        },
        "connections": [
            "rows.out -> keep.in",
            "keep.out -> amount.row",
            "amount.n -> total.all",
            "tools.version -> total.version",
            "total.n -> check.n",
            "total.n -> go.total",
        ],
    }


@dataclass(frozen=True)
class Past:
    """`first` made a cache that `second` restored; `again` repeats what failed of `second`; `child` is what `second`
    started.
    """

    first: str
    second: str
    again: str
    child: str


@pytest.fixture(scope="module")
def past(api: Api) -> Past:
    key = uuid.uuid4().hex[:8]
    child = {
        "cadence": 1,
        "name": f"ship-{key}",
        "parameters": {"total": {"type": "i64"}},
        "treatments": {
            "label": {
                "run": 'echo "$CADENCE_PARAM_total" > "$CADENCE_OUT_text"',
                "outputs": {"text": "Block<string>"},
            }
        },
    }
    stored = api.call("PUT", f"/v1/projects/default/pipelines/ship-{key}", json={"document": child})
    assert stored.ok, stored.text
    document = documents(key, f"ship-{key}")
    runs = []
    for _ in range(2):
        run = api.finished(api.start(document))
        assert run["state"] == "failed", run
        runs.append(run["run_id"])
    answer = api.call("POST", f"/v1/runs/{runs[1]}/rerun", json={"from": "failed"})
    assert answer.ok, answer.text
    again = answer.json()["run_id"]
    api.finished(again)
    started = api.get(f"/v1/runs/{runs[1]}/treatments/go")["started_run"]
    api.finished(started)
    return Past(runs[0], runs[1], again, started)


def provenance(api: Api, run: str, **query: Any) -> dict[str, Any]:
    return dict(api.get(f"/v1/runs/{run}/provenance", **query))


def links(graph: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(link["effect"], link["cause"]): link for link in graph["links"]}


def test_a_wrong_value_is_followed_back_to_the_line_that_it_came_of(api: Api, past: Past) -> None:
    run = past.second
    whole = provenance(api, run, port="total.n")
    met = {node["id"] for node in whole["nodes"]}
    assert {f"value:{run}/{name}" for name in ("total.n", "amount.n", "amount:1.n", "keep.out", "rows.out")} <= met
    # The second element of the list is the instance's, whose element is the second line that was kept, the third of
    # all.
    listed = api.content(run, "amount", "n")
    found = links(provenance(api, run, port="amount.n", offset=listed.index(b"-7")))
    assert (f"treatment:{run}/amount", f"value:{run}/amount:1.n") in found
    assert (f"treatment:{run}/amount", f"value:{run}/amount:0.n") not in found
    element = found[f"treatment:{run}/amount:1", f"value:{run}/keep.out"]
    assert (element["basis"], element["cause_part"]["line"]) == ("constructed", 2)
    kept = found[f"treatment:{run}/keep", f"value:{run}/rows.out"]
    assert (kept["basis"], kept["cause_part"]["line"]) == ("subsequence", 3)
    part = kept["cause_part"]
    assert ROWS[part["offset"] : part["offset"] + part["length"]] == b"cherry -7\n"
    tree = api.get(f"/v1/runs/{run}/trace", port="total.n")["origin"]
    assert {source["port"] for source in tree["inputs"].values()} == {"n", "version"}


def test_it_goes_forward_as_well(api: Api, past: Past) -> None:
    run = past.second
    graph = provenance(api, run, port="rows.out", direction="forward", offset=ROWS.index(b"cherry"))
    found = links(graph)
    assert found[f"value:{run}/keep.out", f"treatment:{run}/keep"]["effect_part"]["line"] == 2
    assert (f"treatment:{run}/amount:1", f"value:{run}/keep.out") in found
    assert (f"treatment:{run}/amount:0", f"value:{run}/keep.out") not in found
    assert (f"run:{past.child}", f"treatment:{run}/go") in found
    # What the rerun took over went on there.
    assert (f"value:{past.again}/total.n", f"value:{run}/total.n") in found
    assert (f"treatment:{past.again}/check", f"value:{past.again}/total.n") in found
    dropped = links(provenance(api, run, port="rows.out", direction="forward", offset=ROWS.index(b"banana")))
    assert dropped[f"value:{run}/keep.out", f"treatment:{run}/keep"]["note"] == "this piece of it was not passed on"


def test_it_crosses_runs(api: Api, past: Past) -> None:
    child = links(provenance(api, past.child, port="label.text"))
    assert child[f"run:{past.child}", f"treatment:{past.second}/go"]["kind"] == "started_by"
    assert (f"treatment:{past.second}/go", f"value:{past.second}/total.n") in child
    again = links(provenance(api, past.again, treatment="check"))
    assert again[f"value:{past.again}/total.n", f"value:{past.second}/total.n"]["kind"] == "derived_from"
    cached = provenance(api, past.second, port="tools.version")
    (entry,) = (node for node in cached["nodes"] if node["kind"] == "cache")
    assert (entry["cache"]["run_id"], entry["cache"]["treatment"]) == (past.first, "tools")
    assert (entry["id"], f"treatment:{past.first}/tools") in links(cached)
    users = provenance(api, past.first, cache=entry["id"].removeprefix("cache:"), direction="forward")
    assert f"treatment:{past.second}/tools" in {node["id"] for node in users["nodes"]}


def test_a_log_line_leads_to_what_its_treatment_had(api: Api, past: Past) -> None:
    api.lines(past.second, treatment="total")
    for segment in range(50):
        answer = api.call("GET", f"/v1/runs/{past.second}/provenance", params={"line": f"{segment}:0"})
        if answer.status_code == 404:
            break
        start = answer.json()["nodes"][0]
        if start["treatment"] == "total":
            assert start["line"]["text"] == "cherry -7"
            assert (start["id"], f"treatment:{past.second}/total") in links(answer.json())
            return
    raise AssertionError("no segment begins with the line of total")


def test_the_runs_that_used_a_value_are_found_by_its_digest(api: Api, past: Past) -> None:
    digest = api.value(past.second, "total", "n")["sha256"]
    page = api.get(f"/v1/projects/default/values/{digest}/uses", limit=200)
    places = {(use["run_id"], use["treatment"], use["port"]): use for use in page["items"]}
    assert {(run, "total", "n") for run in (past.first, past.second, past.again)} <= set(places)
    assert places[past.again, "total", "n"]["kept_from"] == past.second
    assert places[past.second, "total", "n"]["consumers"] == ["check", "go"]


def test_the_program_shows_it(stack: Stack, api: Api, past: Past) -> None:
    def cadence(*words: str) -> str:
        program = Path(sys.executable).with_name("cadence")
        return subprocess.run(
            [str(program), *words], cwd=stack.folder, check=True, capture_output=True, text=True
        ).stdout

    shown = cadence("trace", past.again, "total.n").splitlines()
    assert shown[0].startswith("total.n  3 B  sha256:") and shown[0].endswith("(reused)")
    assert any("row <- keep.out" in line and "element 2" in line for line in shown)
    line = cadence("trace", past.second, f"keep.out@{ROWS.index(b'banana')}")
    assert "in <- rows.out" in line and "line 3" in line
    ahead = cadence("trace", past.second, "total.n", "--forward")
    assert "n -> check" in ahead and f"run {past.child}" in ahead
    assert past.first in cadence("trace", "--value", api.value(past.first, "total", "n")["sha256"])
    assert '"wasGeneratedBy"' in cadence("trace", past.second, "total.n", "--format", "prov")
    assert '"eventType": "START"' in cadence("trace", past.second, "total.n", "--format", "openlineage")
