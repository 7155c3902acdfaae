"""Answers about runs that have ended: kept by clients until they differ, and compressed."""

import base64
import gzip
import json
from dataclasses import replace

import pytest

from cadence.domain.runs.states import RunState
from tests.integration.api.calling import HELLO

PATHS = ("", "/graph", "/logs", "/values", "/treatments/greet")


@pytest.fixture
def run_id(api):
    """A run that goes on."""
    return api("POST", "/v1/projects/default/runs", {"document": HELLO}).json["run_id"]


@pytest.fixture
def ended(api, run_id):
    """A run that has ended, with the treatments of the other one."""
    run = api.services.runs.get_run(run_id)
    api.services.runs.create_run(replace(run, run_id="01ended", state=RunState.SUCCEEDED, finished_at=run.created_at))
    return "01ended"


@pytest.mark.parametrize("path", PATHS[:4])
def test_an_answer_is_not_sent_again_until_it_differs(api, ended, path):
    address = f"/v1/runs/{ended}{path}"
    first = api("GET", address)
    tag = first.headers["etag"]
    assert (first.status, first.headers["cache-control"]) == (200, "private, no-cache")
    again = api("GET", address, headers={"if-none-match": f'"other", {tag}'})
    assert (again.status, again.text, again.headers["etag"]) == (304, "", tag)
    assert api("GET", address, headers={"if-none-match": '"other"'}).text == first.text
    for token in (None, "cad_" + "0" * 26 + "_" + "x" * 49):
        assert api("GET", address, token=token, headers={"if-none-match": tag}).status == 401


def test_an_answer_is_compressed_for_clients_that_accept_it(api, run_id):
    run = api.services.runs.get_run(run_id)
    event = {"kind": "push", "message": "x" * 2_000}
    api.services.runs.create_run(replace(run, run_id="01long", state=RunState.FAILED, event=event))
    plain = api("GET", "/v1/runs/01long")
    packed = api("GET", "/v1/runs/01long", headers={"accept-encoding": "br, gzip"})
    assert (packed.headers["content-encoding"], packed.headers["etag"]) == ("gzip", plain.headers["etag"])
    assert json.loads(gzip.decompress(base64.b64decode(packed.text))) == plain.json
    assert len(packed.text) < len(plain.text) / 2


@pytest.mark.parametrize("path", PATHS)
def test_an_answer_about_a_run_that_goes_on_is_not_kept(api, run_id, path):
    answer = api("GET", f"/v1/runs/{run_id}{path}")
    assert answer.status in (200, 404)
    assert answer.headers.get("etag") is None
    assert "private, no-cache" not in answer.headers.get("cache-control", "")
