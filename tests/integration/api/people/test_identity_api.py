"""OpenID Connect discovery and the keys, which other systems read without a token."""

from datetime import UTC, datetime

import jwt

from cadence.adapters.dynamodb.access.id_token_keys import SigningIdTokenKeys
from cadence.adapters.kms.cipher import KmsCipher
from tests.integration.api.calling import Api


def test_discovery_leads_to_the_keys_that_verify_a_token(api: Api, settings: dict[str, str]) -> None:
    document = api("GET", "/.well-known/openid-configuration", token=None, headers={"host": "id.example"}).json
    assert document["issuer"] == "https://id.example"
    path = document["jwks_uri"].removeprefix(document["issuer"])
    assert api("GET", path, token=None).json == {"keys": []}

    now = datetime.now(UTC)
    signed = SigningIdTokenKeys("access", KmsCipher(settings["secrets_key"])).sign({"iss": "https://id.example"}, now)
    answer = api("GET", path, token=None)
    assert answer.headers["cache-control"] == "public, max-age=3600"
    keys = jwt.PyJWKSet.from_dict(answer.json)
    key = keys[jwt.get_unverified_header(signed)["kid"]]
    assert jwt.decode(signed, key, algorithms=document["id_token_signing_alg_values_supported"]) == {
        "iss": document["issuer"]
    }
