"""Groups of instances on the running stack: matrices, and instances made from the elements of values."""

import json
import os
import subprocess
import sys
from typing import Any

from cadence.domain import plan
from cadence.domain.run import InputSpec, Kind, OutputSpec, TreatmentSpec
from cadence.local.ministack import REGION
from cadence.local.paths import CHECKOUT
from tests.e2e.api import Api, states
from tests.e2e.conftest import Stack

NUMBER = OutputSpec("n", "block", "u64")
NUMBERS = OutputSpec("n", "block", "Vec<u64>")


def start(stack: Stack, *specs: TreatmentSpec) -> str:
    environment = {
        **os.environ,
        "PYTHONPATH": f"{CHECKOUT / 'functions'}{os.pathsep}{CHECKOUT}",
        "AWS_ENDPOINT_URL": stack.aws_endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
    }
    made = subprocess.run(
        [sys.executable, "-m", "tests.e2e.planned_run"],
        env=environment, input=plan.encode(specs), stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    return made.stdout.decode().strip()


def content(api: Api, run_id: str, treatment: str, port: str) -> Any:
    return json.loads(api.value(run_id, treatment, port)["preview"])


def matrix(name: str, commands: dict[str, str], **fields: Any) -> list[TreatmentSpec]:
    instances = [TreatmentSpec(f"{name}:{key}", run, group=name, outputs=(NUMBER,)) for key, run in commands.items()]
    group = TreatmentSpec(
        name, kind=Kind.GATHER, instances=tuple(one.name for one in instances), outputs=(NUMBERS,), **fields
    )
    return [*instances, group]


def test_a_matrix_is_gathered_in_its_own_order(stack: Stack, api: Api) -> None:
    commands = {str(n): f'sleep {0.3 if n == 1 else 0}; echo {n} > "$CADENCE_OUT_n"' for n in (3, 1, 2)}
    total = TreatmentSpec(
        "total",
        """python3 -c 'import json, os; print(sum(json.load(open(os.environ["CADENCE_IN_all"]))))' > "$CADENCE_OUT_n" """,
        inputs=(InputSpec("all", "block", "Vec<u64>", "m", "n"),),
        outputs=(NUMBER,),
    )
    run_id = start(stack, *matrix("m", commands, parallel=2), total)
    run = api.finished(run_id)
    assert run["state"] == "succeeded", run["cause"]
    assert content(api, run_id, "m", "n") == [3, 1, 2]
    assert content(api, run_id, "total", "n") == 6


def each(flow: str, of: str, run: str) -> TreatmentSpec:
    given = InputSpec("item", flow, of, "source", "items")
    template = TreatmentSpec("e", run, inputs=(InputSpec("item", "block", "u64"),), outputs=(NUMBER,))
    return TreatmentSpec(
        "e", kind=Kind.EACH, each="item", inputs=(given,), outputs=(NUMBERS,), instance=template, parallel=3
    )


DOUBLE = 'echo $(($(cat "$CADENCE_IN_item") * 2)) > "$CADENCE_OUT_n"'


def test_each_item_of_a_list_becomes_an_instance(stack: Stack, api: Api) -> None:
    source = TreatmentSpec(
        "source", 'echo "[5, 6,7 , 8]" > "$CADENCE_OUT_items"', outputs=(OutputSpec("items", "block", "Vec<u64>"),)
    )
    run_id = start(stack, source, each("block", "Vec<u64>", DOUBLE))
    run = api.finished(run_id)
    assert run["state"] == "succeeded", run["cause"]
    assert set(states(run)) == {"source", "e", "e:0", "e:1", "e:2", "e:3"}
    assert content(api, run_id, "e", "n") == [10, 12, 14, 16]


def test_instances_of_a_stream_end_while_its_producer_still_runs(stack: Stack, api: Api) -> None:
    # The producer ends only once the test has seen the first instance end.
    source = TreatmentSpec(
        "source",
        'exec 3> "$CADENCE_OUT_items"; echo 1 >&3; while [ ! -e "$GO" ]; do sleep 0.1; done; echo 2 >&3',
        outputs=(OutputSpec("items", "stream", "u64"),),
        env={"GO": str(stack.folder / "go")},
    )
    run_id = start(stack, source, each("stream", "u64", DOUBLE))
    run = api.until(run_id, lambda run: states(run).get("e:0") == "succeeded")
    assert states(run)["source"] == "running"
    (stack.folder / "go").touch()
    run = api.finished(run_id)
    assert run["state"] == "succeeded", run["cause"]
    assert content(api, run_id, "e", "n") == [2, 4]


def test_failing_fast_and_running_again_what_failed(stack: Stack, api: Api) -> None:
    flag = stack.folder / "repaired"
    commands = {
        "good": 'echo 1 > "$CADENCE_OUT_n"',
        "bad": f'sleep 3; [ -e {flag} ] || exit 3; echo 2 > "$CADENCE_OUT_n"',
        "slow": f'[ -e {flag} ] || sleep 600; echo 3 > "$CADENCE_OUT_n"',
    }
    run_id = start(stack, *matrix("m", commands))
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
