"""Every case has exactly the findings that it names, at their places; and the suite is as docs/conformance.md says."""

from pathlib import Path

import pytest

from cadence.domain.pipelines.document import Severity, bind_parameters, validate
from cadence.domain.pipelines.planning import RunFacts, instantiate
from tests.conformance.cases import Case, cases
from tests.conformance.index import index

PAGE = Path(__file__).resolve().parents[2] / "docs" / "conformance.md"


@pytest.mark.parametrize("case", cases(), ids=str)
def test_has_its_findings_and_no_others(case: Case) -> None:
    checked = validate(case.text)

    found = [(str(finding.code), finding.line, finding.column) for finding in checked.findings]
    assert sorted(found) == sorted(case.findings), [finding.message for finding in checked.findings]
    errors = any(finding.severity is Severity.ERROR for finding in checked.findings)
    assert (checked.pipeline is None) == errors


@pytest.mark.parametrize("case", [case for case in cases() if case.run is not None], ids=str)
def test_what_is_run_is_valid(case: Case) -> None:
    assert validate(case.text).pipeline is not None


@pytest.mark.parametrize("case", [case for case in cases() if case.refused is not None], ids=str)
def test_what_is_refused_is_valid_but_cannot_be_planned(case: Case) -> None:
    pipeline, refused = validate(case.text).pipeline, case.refused
    assert pipeline is not None
    assert refused is not None

    given = bind_parameters(pipeline, refused.parameters)
    planned = instantiate(pipeline, given.values, {"kind": "api"}, RunFacts())

    assert planned.plan is None
    assert [str(finding.code) for finding in planned.findings] == refused.codes


def test_titles_are_unique() -> None:
    titles = [case.title for case in cases()]
    assert len(titles) == len(set(titles))


def test_the_index_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == index(), "python -m tests.conformance.index > docs/conformance.md"
