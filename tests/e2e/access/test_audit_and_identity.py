"""On the local stack, with the Lambdas' own roles: the audit log is chained, and a treatment shows who it is."""

import base64
from typing import Any

import jwt
import pytest

from cadence.domain.access.audit_chain import ChainHead, verify_chain
from tests.e2e.api import Api
from tests.waiting import eventually

DOCUMENT = """
cadence: 1
name: shows-who-it-is
treatments:
  ship:
    id_token: {audience: vault.example}
    run: |
      echo "the token: $CADENCE_ID_TOKEN"
      printf %s "$CADENCE_ID_TOKEN" | base64 | tr -d '\\n' > "$CADENCE_OUT_shown"
    outputs: {shown: "Block<string>"}
"""


def test_changes_are_chained_and_the_chain_verifies(api: Api) -> None:
    assert api.call("PUT", "/v1/projects/default/secrets/chained", json={"value": "v"}).ok

    def chained() -> tuple[list[dict[str, Any]], ChainHead] | None:
        """Returns all records, and the end that was named before they were read, once the change is among them."""
        first = page = api.get("/v1/audit/chain")
        records = list(first["items"])
        while page["next"] is not None:
            page = api.get("/v1/audit/chain", after=page["next"])
            records += page["items"]
        found = any(record["target"].endswith("/secrets/chained") for record in records)
        return (records, ChainHead(**first["head"])) if found else None

    read = eventually(chained, pause=1.0)
    assert read is not None
    records, head = read
    report = verify_chain(records, [head])
    assert (report.findings, report.first) == ((), 1)


def test_a_treatment_has_a_token_that_the_published_keys_verify(api: Api) -> None:
    run_id = api.start(DOCUMENT)
    assert api.finished(run_id)["state"] == "succeeded"
    assert [line["text"] for line in api.lines(run_id)] == ["the token: ***"]

    token = base64.b64decode(api.content(run_id, "ship", "shown")).decode()
    keys = jwt.PyJWKSet.from_dict(api.call("GET", "/v1/id-token-keys").json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, algorithms=["RS256"], audience="vault.example")
    assert (claims["run_id"], claims["treatment"], claims["project"]) == (run_id, "ship", "default")
    assert claims["sub"] == "organization:default:project:default:inline:shows-who-it-is"
    with pytest.raises(jwt.InvalidAudienceError):
        jwt.decode(token, key, algorithms=["RS256"], audience="sts.amazonaws.com")


LONG = """
cadence: 1
name: takes-longer-than-its-token
treatments:
  ship:
    id_token: {audience: vault.example}
    run: |
      until ! printf %s "$CADENCE_ID_TOKEN" | cmp -s - "$CADENCE_ID_TOKEN_FILE"; do sleep 0.5; done
      echo "the next one: $(cat "$CADENCE_ID_TOKEN_FILE")"
      base64 < "$CADENCE_ID_TOKEN_FILE" | tr -d '\\n' > "$CADENCE_OUT_shown"
    outputs: {shown: "Block<string>"}
"""


def test_a_treatment_that_takes_longer_than_its_token_gets_the_next_one(api: Api) -> None:
    """A token lives for a minute on a local stack, and is renewed after three quarters of it."""
    run_id = api.start(LONG)
    assert api.finished(run_id)["state"] == "succeeded"
    assert [line["text"] for line in api.lines(run_id)] == ["the next one: ***"]
    token = base64.b64decode(api.content(run_id, "ship", "shown")).decode()
    keys = jwt.PyJWKSet.from_dict(api.call("GET", "/v1/id-token-keys").json())
    claims = jwt.decode(
        token, keys[jwt.get_unverified_header(token)["kid"]], algorithms=["RS256"], audience="vault.example"
    )
    assert (claims["run_id"], claims["treatment"], claims["exp"] - claims["iat"]) == (run_id, "ship", 60)
    renewed = api.get("/v1/audit", action="renew_id_token", kind="secret")["items"]
    assert [one["target"] for one in renewed if run_id in one["target"]] == [
        f"/v1/runs/{run_id}/treatments/ship: vault.example"
    ]
