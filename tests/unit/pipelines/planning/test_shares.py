"""Which share of a suite each instance of a matrix runs."""

from typing import Any

import pytest

from cadence.domain.pipelines import plan
from cadence.domain.pipelines.document import validate
from cadence.domain.pipelines.planning import RunFacts, instantiate
from cadence.domain.pipelines.specification import SplitSpec
from cadence.domain.runners.assignment import work_json
from tests.fakes.runs import a_run

DOCUMENT = """\
cadence: 1
name: sample
treatments:
  test:
    matrix: {MATRIX}
    reports: {junit: out.xml, split: {SPLIT}}
    WHEN
    run: "true"
"""
FILES = "tests/**/test_*.py"


def document(matrix: str, split: str = f'{{files: "{FILES}"}}', when: str = "") -> str:
    return DOCUMENT.replace("{MATRIX}", matrix).replace("{SPLIT}", split).replace("    WHEN\n", when)


def planned(text: str) -> dict[str, Any]:
    found = validate(text.encode())
    assert found.pipeline is not None, found.findings
    result = instantiate(found.pipeline, {}, {}, RunFacts(run_id="run-1", project="default", pipeline="sample"))
    assert result.plan is not None, result.findings
    specs = plan.decode(plan.encode(result.plan.treatments))
    assert specs == result.plan.treatments
    return {spec.name: spec for spec in specs}


def test_all_instances_divide_the_suite() -> None:
    specs = planned(document("{part: [1, 2, 3]}"))

    assert [specs[f"test:{part}"].split for part in (1, 2, 3)] == [
        SplitSpec(files=FILES, index=i, count=3) for i in range(3)
    ]
    work = work_json(a_run("run-1"), specs["test:2"], 1, {"tests.test_a": 1.5})
    assert work["split"] == {"files": FILES, "index": 1, "count": 3, "durations": {"tests.test_a": 1.5}}


def test_each_other_combination_runs_a_whole_suite() -> None:
    split = f'{{files: "{FILES}", by: part}}'
    specs = planned(document("{python: ['3.12', '3.13'], part: [1, 2], exclude: [{python: '3.12', part: 2}]}", split))

    shares = {name: (spec.split.index, spec.split.count) for name, spec in specs.items() if spec.split}
    assert shares == {"test:3.12:1": (0, 1), "test:3.13:1": (0, 2), "test:3.13:2": (1, 2)}


def test_a_skipped_instance_gets_no_share() -> None:
    specs = planned(document("{part: [1, 2, 3]}", when="    when: ${{ matrix.part != 2 }}\n"))

    assert specs["test:2"].never is not None
    assert [(specs[name].split.index, specs[name].split.count) for name in ("test:1", "test:3")] == [(0, 2), (1, 2)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (document("{part: [1, 2]}").replace("    matrix: {part: [1, 2]}\n", ""), "there is no matrix"),
        (document("{part: [1, 2]}", "{files: a.py, by: prat}"), "has no axis “prat”"),
        (document("{part: [1, 2]}", "{files: ../a.py}"), "of tests"),
        (document("{part: [1, 2]}", "{by: part}"), "files"),
        (
            document("{part: [1]}", when="    when: ${{ matrix.part == 1 && treatments.a.failed }}\n")
            + "  a: {run: make}\n",
            "may be skipped after the suite was split",
        ),
    ],
    ids=["no matrix", "no axis", "outside", "no files", "skipped later"],
)
def test_a_split_that_would_lose_tests_is_refused(text: str, words: str) -> None:
    found = validate(text.encode())

    assert any(words in finding.message for finding in found.findings), found.findings
