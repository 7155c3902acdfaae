"""Findings about the values of a run have the place of what they are about."""

import pytest

from cadence.domain.pipelines.document import bind_parameters, located, validate
from cadence.domain.pipelines.planning import RunFacts, instantiate

YAML = """\
cadence: 1
name: x
treatments:
  a:
    cache:
      - {key: fine, paths: [x]}
      - paths: [y]
        key: "${{ parameters.key }}"
    run: make
parameters: {key: {type: string, default: ""}}
"""
JSON = """\
{"cadence": 1, "name": "x", "parameters": {"key": {"type": "string", "default": ""}},
 "treatments": {"a": {"run": "make",
   "cache": {"paths": ["x"], "key": "${{ parameters.key }}"}}}}
"""


@pytest.mark.parametrize(("source", "place"), [(YAML, (8, 14)), (JSON, (3, 37))], ids=["yaml", "json"])
def test_a_value_of_a_run_that_does_not_fit_is_found_where_it_is_written(source: str, place: tuple[int, int]) -> None:
    checked = validate(source)
    assert checked.pipeline is not None, checked.findings
    parameters = bind_parameters(checked.pipeline, {}).values
    findings = instantiate(checked.pipeline, parameters, {"kind": "api"}, RunFacts()).findings

    assert [finding.line for finding in findings] == [0]
    assert [(finding.line, finding.column) for finding in located(findings, source)] == [place]
    assert located(findings, "{") == findings
