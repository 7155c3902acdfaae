"""The runs of the conformance suite: all started at once, each then as its case says."""

import json
from collections.abc import Mapping
from random import Random

import pytest

from cadence.domain.pipelines.document import validate
from tests.conformance.cases import Case, Expected, cases
from tests.conformance.generating import document
from tests.e2e.api import Api, states

pytestmark = pytest.mark.slow

RUN = [case for case in cases() if case.run is not None]
LONGEST = 180


@pytest.fixture(scope="module")
def started(api: Api) -> Mapping[str, str]:
    """The run of each case; they share the stack, and so one another's time."""
    runs = {}
    for case in RUN:
        assert case.run is not None
        runs[str(case)] = api.start(case.text, **case.run.parameters)
    return runs


@pytest.mark.parametrize("case", RUN, ids=str)
def test_comes_to_what_it_says(case: Case, api: Api, started: Mapping[str, str]) -> None:
    expected = case.run
    assert expected is not None
    run = api.finished(started[str(case)], within=LONGEST)

    assert run["state"] == expected.state, run["cause"]
    assert expected.cause in (run["cause"] or "")
    assert states(run) == {name: expected.states.get(name, "succeeded") for name in states(run)}
    assert expected.states.keys() <= states(run).keys()
    _check_treatments(expected, run)
    for port, content in expected.values.items():
        value = api.value(run["run_id"], *port.rsplit(".", 1))
        assert value["preview"] == content, port
    for treatment, lines in expected.logs.items():
        found = [line["text"] for line in api.lines(run["run_id"], len(lines), treatment=treatment)]
        assert set(lines) <= set(found), found


def _check_treatments(expected: Expected, run: Mapping[str, object]) -> None:
    listed = run["treatments"]
    assert isinstance(listed, list)
    treatments = {treatment["name"]: treatment for treatment in listed}
    for name, code in expected.exit_codes.items():
        assert treatments[name]["exit_code"] == code
    for name, attempt in expected.attempts.items():
        assert treatments[name]["attempt"] == attempt
    for name, words in expected.causes.items():
        assert words in (treatments[name]["cause"] or ""), treatments[name]["cause"]


DRAWN = 6


@pytest.fixture(scope="module")
def drawn(api: Api) -> list[str]:
    """Runs of documents drawn at random that the validator accepts."""
    random = Random(3)
    runs: list[str] = []
    while len(runs) < DRAWN:
        text = json.dumps(document(random, 5))
        if validate(text).pipeline is not None:
            runs.append(api.start(text))
    return runs


@pytest.mark.parametrize("number", range(DRAWN))
def test_an_accepted_document_ends_as_its_scripts_say(number: int, api: Api, drawn: list[str]) -> None:
    run = api.finished(drawn[number], within=LONGEST)

    # Only another instance that failed may have ended one.
    causes = {one["name"]: one["cause"] for one in run["treatments"] if one["state"] == "cancelled"}
    assert all("(fail_fast)" in (cause or "") for cause in causes.values()), causes
    assert set(states(run).values()) <= {"succeeded", "failed", "skipped", "cancelled"}, run["cause"]
    failed = "failed" in states(run).values()
    assert run["state"] == ("failed" if failed else "succeeded"), run["cause"]
