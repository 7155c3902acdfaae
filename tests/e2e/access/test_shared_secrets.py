"""Secrets of the organization, a team and a pool on the running stack: planned, handed over, recorded."""

import hashlib

import pytest

from tests.e2e.api import Api

pytestmark = pytest.mark.slow

PRINT = "for name in FIRST SECOND THIRD; do printenv $name | tr -d '\\n' | sha256sum; done"


def put(api: Api, path: str, value: str, **more: list[str]) -> None:
    answer = api.call("PUT", path, json={"value": value, **more})
    assert answer.ok, answer.text


def test_a_treatment_receives_what_is_given_to_its_project_and_the_audit_log_names_the_owners(api: Api) -> None:
    assert api.call("PUT", "/v1/teams/e2e-shared", json={}).ok
    put(api, "/v1/secrets/e2e-shared", "of-the-organization")
    put(api, "/v1/secrets/e2e-both", "not-this-one")
    put(api, "/v1/teams/e2e-shared/secrets/e2e-both", "of-the-team", projects=["default"])
    put(api, "/v1/pools/local/secrets/e2e-pool", "of-the-pool")
    secrets = {"FIRST": "e2e-shared", "SECOND": "e2e-both", "THIRD": "e2e-pool"}
    try:
        run_id = api.start(
            {
                "cadence": 1,
                "name": "shared-secrets",
                "treatments": {"a": {"run": PRINT, "pools": ["local"], "secrets": secrets}},
            }
        )
        run = api.finished(run_id)
        assert run["state"] == "succeeded", run["cause"]
        printed = [line["text"].split()[0] for line in api.lines(run_id)]
        values = ("of-the-organization", "of-the-team", "of-the-pool")
        assert [hashlib.sha256(value.encode()).hexdigest() for value in values] == printed
        targets = [one["target"] for one in api.get("/v1/audit?action=hand_over_secrets")["items"]]
        (target,) = [one for one in targets if run_id in one]
        assert target.endswith(
            ": e2e-both (version 1 of the team e2e-shared), e2e-pool (version 1 of the pool local),"
            " e2e-shared (version 1 of the organization)"
        )
        # What is taken away is refused at once: in planning.
        assert api.call("DELETE", "/v1/secrets/e2e-shared").ok
        refused = api.call("POST", "/v1/projects/default/runs", json={"document": DOCUMENT})
        assert (refused.status_code, "e2e-shared" in refused.text) == (422, True)
    finally:
        for path in ("secrets/e2e-shared", "secrets/e2e-both", "pools/local/secrets/e2e-pool", "teams/e2e-shared"):
            api.call("DELETE", f"/v1/{path}")


DOCUMENT = "cadence: 1\nname: refused\ntreatments:\n  a: {run: x, secrets: {T: e2e-shared}}\n"
