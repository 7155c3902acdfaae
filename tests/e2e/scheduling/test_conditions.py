"""Conditions over outputs, as an imported workflow has them, on the running stack."""

from cadence.importing import convert
from tests.e2e.api import Api, states

WORKFLOW = """
name: changed parts
on: push
jobs:
  plan:
    runs-on: ubuntu-latest
    outputs:
      languages: ${{ steps.list.outputs.languages }}
      docs: ${{ steps.list.outputs.docs }}
      found: ${{ steps.list.outputs.found }}
    steps:
      - id: list
        run: |
          echo 'languages=["en","de"]' >> "$GITHUB_OUTPUT"
          echo 'docs=true' >> "$GITHUB_OUTPUT"
          echo 'found={"kind": "bug", "files": [1, 2]}' >> "$GITHUB_OUTPUT"
  site:
    needs: plan
    if: needs.plan.outputs.docs == 'true'
    runs-on: ubuntu-latest
    strategy: {matrix: {language: "${{ fromJSON(needs.plan.outputs.languages) }}"}}
    steps: [{run: 'echo "site in ${{ matrix.language }}"'}]
  code:
    needs: plan
    if: needs.plan.outputs.docs != 'true'
    runs-on: ubuntu-latest
    steps: [{run: echo code}]
  report:
    needs: [plan, code]
    if: always() && fromJSON(needs.plan.outputs.found).kind == 'bug' && fromJSON(needs.plan.outputs.found).files[1] == 2
    runs-on: ubuntu-latest
    steps: [{run: echo report}]
"""


def test_jobs_run_or_not_by_the_outputs_of_the_one_before(api: Api) -> None:
    imported = convert(WORKFLOW)
    run_id = api.start(imported.document)
    run = api.finished(run_id)

    assert run["state"] == "succeeded", run["cause"]
    assert states(run) == {
        "plan": "succeeded", "site": "succeeded", "site:0": "succeeded", "site:1": "succeeded",
        "code": "skipped", "report": "succeeded",
    }  # fmt: skip
    assert {line["text"] for line in api.lines(run_id)} >= {"site in en", "site in de", "report"}
    again = api.call("POST", f"/v1/runs/{run_id}/rerun", json={"from": ["report"]})
    assert again.ok, again.text
    assert states(api.finished(again.json()["run_id"]))["report"] == "succeeded"
