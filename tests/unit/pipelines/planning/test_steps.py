"""Named steps in a plan: their settings with the values of the run, and what cannot be planned."""

from typing import Any

from cadence.domain.pipelines import plan
from cadence.domain.pipelines.document import bind_parameters, validate
from cadence.domain.pipelines.planning import PlanningResult, RunFacts, instantiate
from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.pipelines.step_spec import StepSpec
from cadence.domain.runners.assignment import work_json
from cadence.domain.runs.run_variables import used_variables
from tests.fakes.runs import a_run

DOCUMENT = """\
cadence: 1
name: sample
parameters: {where: {type: string, default: here}}
treatments:
  test:
    shell: bash -e
    matrix: {v: ["1", "2"]}
    steps:
      - name: build
        run: make $${{ x }} $CADENCE_COMMIT
        env: {VERSION: "${{ matrix.v }}", COUNT: 3, run: "${{ parameters.where }}"}
      - {name: one, run: print(1), shell: python3, when: "${{ matrix.v == '1' && event.branch == 'main' }}"}
      - {name: never, run: "false", when: false, always: true, soft_fail: true}
      - {name: log, run: cat log, on_failure: true}
"""


def planned(document: str = DOCUMENT, **parameters: Any) -> PlanningResult:
    pipeline = validate(document).pipeline
    assert pipeline is not None, validate(document).findings
    values = bind_parameters(pipeline, parameters).values
    return instantiate(pipeline, values, {"kind": "push", "branch": "main"}, RunFacts("run-1", "sample", "web"))


def specs(document: str = DOCUMENT, **parameters: Any) -> dict[str, TreatmentSpec]:
    made = planned(document, **parameters)
    assert made.plan is not None, made.findings
    return {spec.name: spec for spec in made.plan.treatments}


def test_steps_have_the_values_of_their_run_and_instance() -> None:
    found = specs(where="there; rm -rf /")

    build = StepSpec(
        name="build",
        run="make ${{ x }} $CADENCE_COMMIT",
        shell="bash -e",
        env={"VERSION": "2", "COUNT": "3", "run": "there; rm -rf /"},
    )
    never = StepSpec(name="never", run="false", shell="bash -e", always=True, soft_fail=True, skip=True)
    one = StepSpec(name="one", run="print(1)", shell="python3", skip=True)
    log = StepSpec(name="log", run="cat log", shell="bash -e", on_failure=True)
    assert found["test:2"].steps == (build, one, never, log)
    assert [step.skip for step in found["test:1"].steps] == [False, False, True, False]
    assert found["test:2"].run == ""


def test_a_plan_with_steps_is_read_as_it_was_written() -> None:
    made = tuple(specs().values())
    assert plan.decode(plan.encode(made)) == made


def test_an_assignment_has_the_steps_and_their_scripts_count_as_used() -> None:
    spec = specs()["test:1"]
    work = work_json(a_run("run-1"), spec, 1)

    assert [(step["name"], step["skip"]) for step in work["steps"]] == [
        ("build", False),
        ("one", False),
        ("never", True),
        ("log", False),
    ]
    assert used_variables(spec, ["CADENCE_COMMIT", "CADENCE_TAG"]) == ("CADENCE_COMMIT",)


def test_a_condition_of_a_step_is_true_or_false() -> None:
    made = planned(DOCUMENT.replace("${{ matrix.v == '1' && event.branch == 'main' }}", "${{ parameters.where }}"))

    assert made.plan is None
    finding = made.findings[0]
    assert str(finding.code) == "expression-failed"
    assert finding.pointer == "/treatments/test/steps/1/when"
    assert "it has to be true or false" in finding.message
