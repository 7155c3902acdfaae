"""No document that the validator accepts can end in an error of the scheduler, or hang."""

import json
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from cadence.domain.pipelines.document import Pipeline, bind_parameters, validate
from cadence.domain.pipelines.planning import RunFacts, instantiate
from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.runs.states import TreatmentState
from tests.conformance.generating import document
from tests.unit.scheduling.simulation.agent import ENDLESS, FAILING, LOSING, SUCCEEDING
from tests.unit.scheduling.simulation.world import RUN, Faults, World

WORDS = (*SUCCEEDING * 4, *FAILING, *LOSING, ENDLESS)
ENOUGH = 5


def planned(random: Random) -> tuple[TreatmentSpec, ...]:
    pipeline = accepted(random)
    planned = instantiate(pipeline, bind_parameters(pipeline, {}).values, {"kind": "api"}, RunFacts())
    assert planned.plan is not None, planned.findings
    return planned.plan.treatments


def accepted(random: Random) -> Pipeline:
    """The next document drawn that is valid: most are."""
    for _ in range(50):
        pipeline = validate(json.dumps(document(random, 9))).pipeline
        if pipeline is not None:
            return pipeline
    raise AssertionError("hardly any of the drawn documents is valid")


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.sampled_from((0.0, 0.02)), st.none() | st.integers(0, 300))
def test_every_run_of_an_accepted_document_ends(seed: int, peril: float, cancel_after: int | None) -> None:
    random = Random(seed)
    specs = planned(random)
    scripts = {spec.name: [*random.choices(WORDS, k=ENOUGH), "succeeds"] for spec in specs}
    world = World(specs, scripts, random, Faults(crash=peril, twice=peril))

    world.play(cancel_after)

    assert world.runs.get_run(RUN).state.final
    assert [treatment for treatment in world.runs.list_treatments(RUN) if not treatment.state.final] == []
    assert {execution.status for execution in world.executions} == {"SUCCEEDED"}


@settings(max_examples=40)
@given(st.integers(0, 2**32))
def test_without_faults_nothing_is_lost(seed: int) -> None:
    random = Random(seed)
    specs = planned(random)
    world = World(specs, {spec.name: ["succeeds"] for spec in specs}, random)

    world.play()

    states = {treatment.state for treatment in world.runs.list_treatments(RUN)}
    assert states <= {TreatmentState.SUCCEEDED, TreatmentState.SKIPPED}


@given(st.integers(0, 2**32))
def test_what_is_drawn_is_checked_without_a_fault(seed: int) -> None:
    checked = validate(json.dumps(document(Random(seed), 12)))

    assert (checked.pipeline is None) == any(finding.severity == "error" for finding in checked.findings)
