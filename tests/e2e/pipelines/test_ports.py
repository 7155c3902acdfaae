"""Ports in practice: paths, literals, standard input and output, values of the wrong type, caches."""

import uuid
from typing import Any

import pytest

from tests.e2e.api import Api


def document(treatments: dict[str, Any], *connections: str) -> dict[str, Any]:
    return {"cadence": 1, "name": "ports", "treatments": treatments, "connections": list(connections)}


def printed(api: Api, run_id: str, treatment: str, stream: str = "stdout", expected: int = 1) -> list[str]:
    """What a treatment of a run that has ended printed, once so many lines of it can be read."""
    lines = api.lines(run_id, expected, treatment=treatment)
    return [line["text"] for line in lines if line["stream"] == stream]


def test_a_tree_and_a_literal_reach_another_treatment(api: Api) -> None:
    run_id = api.start(
        document(
            {
                "make": {
                    "inputs": {"count": {"type": "Block<u8>", "value": 3}},
                    "outputs": {"tree": {"type": "Stream<byte>", "path": "dist/"}},
                    "run": 'mkdir -p dist/sub; cat "$CADENCE_IN_count" > dist/sub/count; printf run > dist/x; chmod 755 dist/x',
                },
                "take": {
                    "inputs": {"tree": {"type": "Stream<byte>", "path": "src/"}},
                    "run": "cat src/sub/count; test -x src/x && echo executable",
                },
            },
            "make.tree -> take.tree",
        )
    )
    run = api.finished(run_id)
    assert run["state"] == "succeeded", run["cause"]
    assert printed(api, run_id, "take", expected=2) == ["3", "executable"]


def test_standard_input_and_output_are_ports(api: Api) -> None:
    run_id = api.start(
        document(
            {
                "make": {"outputs": {"words": "Stream<string>"}, "stdout": "words", "run": "echo hello; echo there"},
                "shout": {
                    "inputs": {"words": "Stream<string>"},
                    "outputs": {"loud": "Block<string>"},
                    "stdin": "words",
                    "stdout": "loud",
                    "run": "tr a-z A-Z",
                },
            },
            "make.words -> shout.words",
        )
    )
    run = api.finished(run_id)
    assert run["state"] == "succeeded", run["cause"]
    assert api.value(run_id, "shout", "loud")["preview"] == "HELLO\nTHERE\n"


def test_a_value_of_the_wrong_type_fails_its_treatment_and_reaches_nobody(api: Api) -> None:
    run_id = api.start(
        document(
            {
                "count": {
                    "outputs": {"n": "Stream<u64>"},
                    "run": 'echo 1 > "$CADENCE_OUT_n"; sleep 1; echo abc > "$CADENCE_OUT_n"',
                },
                "use": {
                    "inputs": {"n": "Stream<u64>"},
                    "run": 'while read -r n; do echo "got $n"; done < "$CADENCE_IN_n"',
                },
            },
            "count.n -> use.n",
        )
    )
    run = api.finished(run_id)
    assert run["state"] == "failed"
    treatments = {treatment["name"]: treatment for treatment in run["treatments"]}
    assert treatments["count"]["cause"] == 'output n, line 2: "abc" is not a u64'
    assert treatments["use"]["state"] != "succeeded"
    assert "got abc" not in printed(api, run_id, "use", expected=0)


def test_the_second_run_hits_the_cache(api: Api) -> None:
    key = f"e2e-{uuid.uuid4().hex}"
    treatment = {
        "inputs": {"lock": {"type": "Block<string>", "value": "a==1\n", "path": "requirements.lock"}},
        "cache": {"key": key, "files": ["requirements.lock"], "paths": ["kept"]},
        "run": 'if test -e kept/x; then cat kept/x; else mkdir kept; echo fetched | tee kept/x; echo "for the first time"; fi',
    }
    said = []
    for expected in (["fetched", "for the first time"], ["fetched"]):
        run_id = api.start(document({"install": treatment}))
        run = api.finished(run_id)
        assert run["state"] == "succeeded", run["cause"]
        every = 2 * len(expected)  # and as many of the agent's own
        assert printed(api, run_id, "install", expected=every) == expected
        said += [text.rpartition("-")[0] for text in printed(api, run_id, "install", "agent", every)]
    assert said == [f"cache: miss {key}", f"cache: saved {key}", f"cache: hit {key}"]


@pytest.mark.parametrize("flow", ["Stream", "Block"])
def test_a_treatment_may_have_a_hundred_ports(api: Api, flow: str) -> None:
    ports = [f"p{number}" for number in range(100)]
    run_id = api.start(
        document(
            {
                "make": {
                    "outputs": dict.fromkeys(ports, f"{flow}<string>"),
                    "run": "\n".join(f'echo {port} > "$CADENCE_OUT_{port}"' for port in ports),
                },
                "take": {
                    "inputs": dict.fromkeys(ports, f"{flow}<string>"),
                    "outputs": {"all": "Block<string>"},
                    "run": "cat " + " ".join(f'"$CADENCE_IN_{port}"' for port in ports) + ' > "$CADENCE_OUT_all"',
                },
            },
            *(f"make.{port} -> take.{port}" for port in ports),
        )
    )
    run = api.finished(run_id)
    assert run["state"] == "succeeded", run["cause"]
    assert [treatment["attempt"] for treatment in run["treatments"]] == [1, 1]
    assert api.value(run_id, "take", "all")["preview"].split() == ports
