"""The action `alls-green`, by which a job tells whether those before it are as they have to be."""

from typing import Any

import pytest
import yaml

from cadence.domain.pipelines.expression import Evaluator
from cadence.importing import convert

WORKFLOW = """\
on: push
jobs:
  lint: {runs-on: ubuntu-latest, steps: [{run: make lint}]}
  docs: {runs-on: ubuntu-latest, steps: [{run: make docs}]}
  check:
    needs: [lint, docs]
    %s
    runs-on: ubuntu-latest
    outputs: {result: "${{ steps.green.outputs.result }}"}
    steps:
      - id: green
        uses: re-actors/alls-green@v1
        with: {jobs: "%s", allowed-skips: docs}
  release:
    needs: check
    if: needs.check.outputs.result == 'success'
    runs-on: ubuntu-latest
    steps: [{run: make release}]
"""


def treatments(condition: str = "if: always()", jobs: str = "${{ toJSON(needs) }}") -> dict[str, Any]:
    imported = convert(WORKFLOW % (condition, jobs))
    assert imported.valid, imported.findings
    found: dict[str, Any] = yaml.safe_load(imported.document)["treatments"]
    return found


@pytest.mark.parametrize(
    ("lint", "docs", "runs"),
    [("succeeded", "succeeded", True), ("succeeded", "skipped", True), ("skipped", "succeeded", False),
     ("failed", "succeeded", False), ("succeeded", "failed", False), ("succeeded", "cancelled", False)],
)  # fmt: skip
def test_the_job_runs_if_those_before_are_as_they_have_to_be(lint: str, docs: str, runs: bool) -> None:
    found = treatments()
    names = {"treatments": {"lint": {"state": lint}, "docs": {"state": docs}}}

    assert Evaluator(names).value(found["check"]["when"]) is runs
    assert "after" not in found["check"]
    assert 'echo "result=success" >> "$GITHUB_OUTPUT"' in found["check"]["steps"][0]["run"]
    assert found["release"]["when"] == '${{ treatments["check"].outputs.result == "success" }}'


def test_a_job_that_needs_success_stays_so() -> None:
    found = treatments(condition="name: Check")

    assert found["check"]["after"] == ["lint", "docs"]
    assert "when" not in found["check"]


@pytest.mark.parametrize(
    ("condition", "jobs"),
    [("if: failure()", "${{ toJSON(needs) }}"), ("if: always()", "${{ toJSON(matrix) }}"), ("if: always()", "x")],
)
def test_another_use_of_the_action_is_left_out(condition: str, jobs: str) -> None:
    assert treatments(condition, jobs)["release"]["when"] is False


def checked(**settings: str) -> dict[str, Any]:
    """The treatment of a job that ends with the action, after one job that tells whether there are documents."""
    given = yaml.safe_dump({"jobs": "${{ toJSON(needs) }}", **settings}, default_flow_style=True).strip()
    imported = convert(f"""\
on: push
jobs:
  find:
    runs-on: ubuntu-latest
    outputs: {{docs: "${{{{ steps.find.outputs.docs }}}}"}}
    steps: [{{id: find, run: echo docs=true >> $GITHUB_OUTPUT}}]
  docs: {{runs-on: ubuntu-latest, steps: [{{run: make docs}}]}}
  check:
    needs: [find, docs]
    if: always()
    runs-on: ubuntu-latest
    steps:
      - uses: re-actors/alls-green@v1
        with: {given}
""")
    assert imported.valid, imported.findings
    found: dict[str, Any] = yaml.safe_load(imported.document)["treatments"]["check"]
    return found


CHOSEN = """\
${{
  needs.find.outputs.docs != 'true'
  && '
  docs,
  '
  || ''
}}
"""


@pytest.mark.parametrize(("wanted", "docs", "runs"), [("false", "skipped", True), ("true", "skipped", False),
                                                      ("true", "succeeded", True), ("false", "failed", False)])  # fmt: skip
def test_jobs_may_be_skipped_in_some_condition(wanted: str, docs: str, runs: bool) -> None:
    names = {
        "treatments": {"find": {"state": "succeeded", "outputs": {"docs": wanted}}, "docs": {"state": docs}},
    }
    assert Evaluator(names).value(checked(**{"allowed-skips": CHOSEN})["when"]) is runs


@pytest.mark.parametrize(
    "written", ['["docs"]', "docs", "find,\n docs", "docs ${{ github.ref == 'x' && 'find' || '' }}"]
)
def test_jobs_that_may_fail_in_every_form_of_their_list(written: str) -> None:
    names = {
        "treatments": {"find": {"state": "succeeded"}, "docs": {"state": "failed"}},
        "event": {"kind": "push"},
    }
    assert Evaluator(names).value(checked(**{"allowed-failures": written})["when"]) is True


def test_a_list_that_is_made_in_another_way_is_left_out() -> None:
    assert checked(**{"allowed-skips": "${{ needs.find.outputs.docs }}"})["run"].startswith("# re-actors/alls-green@v1")
