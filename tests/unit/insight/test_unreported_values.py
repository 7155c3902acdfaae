"""What the command line says in the place of values that an engine did not report."""

from typing import Any

import pytest

from cadence.cli.insight.unreported_values import unreported

WORDS = "which the engine did not report: start it with --debug-level detailed, or in a pool that captures full values"


def treatment(received: int = 0, sent: int = 0, type_: str = "string") -> dict[str, Any]:
    """A treatment of an engine whose input and output have one name."""
    port = {"port": "words", "type": type_}
    element = {"unreported_inputs": {"words": received}, "unreported": {"words": sent}}
    return {"inputs": [dict(port)], "outputs": [dict(port)], "spec": {"element": element}}


@pytest.mark.parametrize(
    ("given", "at_input", "at_output"),
    [
        (treatment(), "", ""),
        (treatment(received=2), f"2 values, {WORDS}", ""),
        (treatment(sent=1), "", f"1 value, {WORDS}"),
        (treatment(received=1, sent=3), f"1 value, {WORDS}", f"3 values, {WORDS}"),
        (treatment(received=1, sent=1, type_="void"), "", ""),
    ],
    ids=["nothing", "input", "output", "both", "trigger"],
)
def test_values_that_were_only_counted_are_said_to_be_missing(
    given: dict[str, Any], at_input: str, at_output: str
) -> None:
    assert unreported(given["inputs"][0], given) == at_input
    assert unreported(given["outputs"][0], given) == at_output


def test_a_treatment_outside_of_engines_has_none() -> None:
    given = {**treatment(sent=1), "spec": {"element": None}}
    assert unreported(given["outputs"][0], given) == ""
