"""Runs that cannot be made are refused with the place and the cause, never with an exception."""

import pytest

from cadence.domain.pipelines.document import Code, validate
from cadence.domain.pipelines.planning import RunFacts, instantiate
from tests.unit.pipelines.planning.refusals import REFUSALS, Refusal


@pytest.mark.parametrize(
    ("code", "refusal"),
    [pytest.param(code, case, id=f"{code}-{n}") for code in REFUSALS for n, case in enumerate(REFUSALS[code])],
)
def test_says_where_and_why_a_run_cannot_be_made(code: Code, refusal: Refusal) -> None:
    pipeline = validate(refusal.document).pipeline
    assert pipeline is not None

    planned = instantiate(pipeline, refusal.parameters, refusal.event, RunFacts(), refusal.environments, refusal.pools)

    assert planned.plan is None
    (finding,) = [one for one in planned.findings if one.code is code and one.pointer == refusal.pointer]
    assert refusal.message in finding.message
