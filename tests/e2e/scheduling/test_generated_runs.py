"""Documents that a treatment sends, on the running stack: they become parts of the run, or are refused."""

import uuid

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


HALF_BROKEN = """
cadence: 1
name: half-broken
treatments:
  write:
    outputs: {pipeline: Block<string>}
    run: |
      echo wrote
      cat > "$CADENCE_OUT_pipeline" <<'END'
      cadence: 1
      name: written
      treatments:
        build: {outputs: {built: Block<string>}, run: 'echo built; date +%s%N > "$CADENCE_OUT_built"'}
        test:
          inputs: {built: Block<string>}
          secrets: {STATE: SECRET}
          run: 'echo "tests $(cat "$CADENCE_IN_built")"; test "$STATE" = mended-by-now'
        publish: {after: [test], run: echo published}
      connections: [build.built -> test.built]
      END
  parts:
    inputs: {pipeline: Block<string>}
    trigger: {document: pipeline}
connections: [write.pipeline -> parts.pipeline]
"""


def test_a_rerun_of_what_failed_repeats_only_the_failed_part_of_a_generated_run(api: Api) -> None:
    secret = f"state-{uuid.uuid4().hex[:8]}"

    def state(value: str) -> None:
        assert api.call("PUT", f"/v1/projects/default/secrets/{secret}", json={"value": value}).ok

    state("still-broken")
    run_id = api.start(HALF_BROKEN.replace("SECRET", secret))
    assert api.finished(run_id)["state"] == "failed"
    child = api.run(api.get(f"/v1/runs/{run_id}/treatments/parts")["started_run"])
    assert states(child) == {"build": "succeeded", "test": "failed", "publish": "skipped"}

    state("mended-by-now")
    again = api.call("POST", f"/v1/runs/{run_id}/rerun", json={"from": "failed"})
    assert again.ok, again.text
    repeated = api.finished(again.json()["run_id"])

    assert repeated["state"] == "succeeded", repeated["cause"]
    later = api.run(api.get(f"/v1/runs/{repeated['run_id']}/treatments/parts")["started_run"])
    assert later["rerun_of"] == child["run_id"]
    assert {one["name"]: (one["state"], one["kept_from"]) for one in later["treatments"]} == {
        "build": ("succeeded", child["run_id"]), "test": ("succeeded", None), "publish": ("succeeded", None)
    }  # fmt: skip
    first, second = (
        [line["text"] for line in api.lines(run, treatment="test")] for run in (child["run_id"], later["run_id"])
    )
    assert first[0] == second[0]  # what was built the first time

    whole = api.call("POST", f"/v1/runs/{run_id}/rerun", json={"from": ["parts"]})
    assert whole.ok, whole.text
    anew = api.finished(whole.json()["run_id"])
    assert anew["state"] == "succeeded", anew["cause"]
    built_anew = api.run(api.get(f"/v1/runs/{anew['run_id']}/treatments/parts")["started_run"])
    assert {one["kept_from"] for one in built_anew["treatments"]} == {None}
