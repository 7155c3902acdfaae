"""Groups of instances on the running stack: matrices, and instances made from the elements of values."""

import json
from typing import Any

from tests.e2e.api import Api, states
from tests.e2e.conftest import Stack

MATRIX_TOTAL = """
cadence: 1
name: matrix-total
treatments:
  m:
    matrix: {number: [3, 1, 2], max_parallel: 2}
    outputs: {n: Block<u64>}
    run: |
      [ "$CADENCE_MATRIX_number" != 1 ] || sleep 0.3
      echo "$CADENCE_MATRIX_number" > "$CADENCE_OUT_n"
  total:
    inputs: {all: "Block<Vec<u64>>"}
    outputs: {n: Block<u64>}
    shell: python3
    run: |
      import json, os
      print(sum(json.load(open(os.environ["CADENCE_IN_all"]))), file=open(os.environ["CADENCE_OUT_n"], "w"))
connections: [m.n -> total.all]
"""


def content(api: Api, run_id: str, treatment: str, port: str) -> Any:
    return json.loads(api.value(run_id, treatment, port)["preview"])


def test_a_matrix_is_gathered_in_its_own_order(api: Api) -> None:
    run_id = api.start(MATRIX_TOTAL)
    run = api.finished(run_id)
    assert run["state"] == "succeeded", run["cause"]
    assert content(api, run_id, "m", "n") == [3, 1, 2]
    assert content(api, run_id, "total", "n") == 6


def doubled(source: dict[str, Any]) -> dict[str, Any]:
    """A treatment `e` with an instance for each of what `source` gives."""
    return {
        "cadence": 1,
        "name": "doubled",
        "treatments": {
            "source": source,
            "e": {
                "each": {"input": "item", "parallel": 3},
                "inputs": {"item": "Block<u64>"},
                "outputs": {"n": "Block<u64>"},
                "run": 'echo $(($(cat "$CADENCE_IN_item") * 2)) > "$CADENCE_OUT_n"',
            },
        },
        "connections": ["source.items -> e.item"],
    }


def test_each_item_of_a_list_becomes_an_instance(api: Api) -> None:
    source = {"outputs": {"items": "Block<Vec<u64>>"}, "run": 'echo "[5, 6,7 , 8]" > "$CADENCE_OUT_items"'}
    run_id = api.start(doubled(source))
    run = api.finished(run_id)
    assert run["state"] == "succeeded", run["cause"]
    assert set(states(run)) == {"source", "e", "e:0", "e:1", "e:2", "e:3"}
    assert content(api, run_id, "e", "n") == [10, 12, 14, 16]


def test_instances_of_a_stream_end_while_its_producer_still_runs(stack: Stack, api: Api) -> None:
    # The producer ends only once the test has seen the first instance end.
    source = {
        "outputs": {"items": "Stream<u64>"},
        "run": 'exec 3> "$CADENCE_OUT_items"; echo 1 >&3; while [ ! -e "$GO" ]; do sleep 0.1; done; echo 2 >&3',
        "env": {"GO": str(stack.folder / "go")},
    }
    run_id = api.start(doubled(source))
    run = api.until(run_id, lambda run: states(run).get("e:0") == "succeeded")
    assert states(run)["source"] == "running"
    (stack.folder / "go").touch()
    run = api.finished(run_id)
    assert run["state"] == "succeeded", run["cause"]
    assert content(api, run_id, "e", "n") == [2, 4]


def test_failing_fast_and_running_again_what_failed(stack: Stack, api: Api) -> None:
    flag = stack.folder / "repaired"
    script = """
        case "$CADENCE_MATRIX_way" in
        bad) sleep 3; [ -e "$FLAG" ] || exit 3; n=2 ;;
        slow) [ -e "$FLAG" ] || sleep 600; n=3 ;;
        *) n=1 ;;
        esac
        echo "$n" > "$CADENCE_OUT_n"
    """
    m = {
        "matrix": {"way": ["good", "bad", "slow"]},
        "outputs": {"n": "Block<u64>"},
        "env": {"FLAG": str(flag)},
        "run": script,
    }
    run_id = api.start({"cadence": 1, "name": "repaired", "treatments": {"m": m}})
    run = api.finished(run_id)
    assert (run["state"], states(run)["m"]) == ("failed", "failed")
    assert states(run)["m:slow"] == "cancelled"
    causes = {treatment["name"]: treatment["cause"] for treatment in run["treatments"]}
    assert causes["m:slow"] == "cancelled because m:bad failed (fail_fast)"

    flag.touch()
    answer = api.call("POST", f"/v1/runs/{run_id}/rerun", json={"from": "failed"})
    assert answer.status_code == 201, answer.text
    again = api.finished(answer.json()["run_id"])
    assert again["state"] == "succeeded", again["cause"]
    kept = {treatment["name"]: treatment["kept_from"] for treatment in again["treatments"]}
    assert kept == {"m": None, "m:good": run_id, "m:bad": None, "m:slow": None}
    assert content(api, again["run_id"], "m", "n") == [1, 2, 3]
