"""Documents that a treatment sends, on the running stack: one becomes a part of the run, the other is refused."""

from tests.e2e.api import Api, states

DOCUMENT = """
cadence: 1
name: writes-pipelines
treatments:
  write:
    outputs: {good: Block<string>, bad: Block<string>}
    run: |
      cat > "$CADENCE_OUT_good" <<'END'
      cadence: 1
      name: written
      parameters: {who: {type: string}}
      treatments:
        greet: {run: 'echo "hello $CADENCE_PARAM_who"'}
        leave: {after: [greet], run: 'true'}
      END
      printf 'cadence: 1\\nname: bad\\ntreatments:\\n  a: {run: x, pools: [nowhere]}\\n' > "$CADENCE_OUT_bad"
  good:
    inputs: {document: Block<string>}
    trigger: {document: document, parameters: {who: ada}}
  bad:
    inputs: {document: Block<string>}
    trigger: {document: document}
    soft_fail: true
  last: {after: [good], run: 'true'}
connections:
  - write.good -> good.document
  - write.bad -> bad.document
"""


def test_a_document_that_a_treatment_sends_is_checked_and_runs_as_a_part_of_its_run(api: Api) -> None:
    run_id = api.start(DOCUMENT)
    run = api.finished(run_id)

    assert run["state"] == "succeeded", run["cause"]
    assert states(run) == {"write": "succeeded", "good": "succeeded", "bad": "failed", "last": "succeeded"}
    causes = {treatment["name"]: treatment["cause"] for treatment in run["treatments"]}
    first, place = causes["bad"].splitlines()
    assert first == "the document is not valid:"
    assert place.startswith("write.bad:4:")
    assert "nowhere" in place

    child = api.run(api.get(f"/v1/runs/{run_id}/treatments/good")["started_run"])
    assert (child["pipeline"], child["started_by_run"], child["event"]) == ("written", run_id, run["event"])
    assert states(child) == {"greet": "succeeded", "leave": "succeeded"}
    assert [line["text"] for line in api.lines(child["run_id"], treatment="greet")] == ["hello ada"]
    alone = api.call("POST", f"/v1/runs/{child['run_id']}/rerun", json={})
    assert (alone.status_code, run_id in alone.text) == (409, True)

    again = api.call("POST", f"/v1/runs/{run_id}/rerun", json={"from": "failed"})
    assert again.ok, again.text
    repeated = api.finished(again.json()["run_id"])
    later = {treatment["name"]: (treatment["kept_from"], treatment["cause"]) for treatment in repeated["treatments"]}
    assert later["good"][0] == later["write"][0] == run_id
    assert later["bad"] == (None, causes["bad"])
