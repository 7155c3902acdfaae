"""What other systems need for verifying identity tokens of treatments: OpenID Connect discovery, and the keys."""

from api.endpoint import PUBLIC, Call, Endpoints, Model, Reply
from cadence.adapters.http.http_event import called_origin
from cadence.composition.api import Services

endpoints = Endpoints("identity")

_KEYS = "/v1/id-token-keys"
# Verifiers may remember keys for so long: the next key is published a month before it signs.
_REMEMBERED = {"cache-control": "public, max-age=3600"}


class DiscoveryView(Model):
    """OpenID Connect discovery 1.0, as far as identity tokens of treatments need it."""

    issuer: str
    jwks_uri: str
    response_types_supported: list[str]
    subject_types_supported: list[str]
    id_token_signing_alg_values_supported: list[str]
    claims_supported: list[str]


class PublicKeyView(Model):
    """An RSA key as a JSON Web Key."""

    kty: str
    n: str
    e: str
    kid: str
    use: str
    alg: str


class PublicKeys(Model):
    keys: list[PublicKeyView]


@endpoints.add("GET", "/.well-known/openid-configuration", PUBLIC, answers={200: DiscoveryView})
def show_openid_configuration(call: Call, services: Services) -> Reply:
    """Shows who issues identity tokens of treatments, and where the keys are. The issuer is the address called."""
    issuer = called_origin(call.headers)
    view = DiscoveryView(
        issuer=issuer,
        jwks_uri=issuer + _KEYS,
        response_types_supported=["id_token"],
        subject_types_supported=["public"],
        id_token_signing_alg_values_supported=["RS256"],
        claims_supported=[
            *("iss", "sub", "aud", "iat", "nbf", "exp", "organization", "project", "pipeline", "pipeline_source"),
            *("treatment", "environment", "repository", "ref", "commit", "event", "run_id", "attempt", "pool"),
            "runner_id",
        ],
    )
    return Reply(view, headers=_REMEMBERED)


@endpoints.add("GET", _KEYS, PUBLIC, answers={200: PublicKeys})
def list_id_token_keys(call: Call, services: Services) -> Reply:
    """Lists the public keys of identity tokens of treatments: of the last, the present and the next month."""
    keys = [PublicKeyView.model_validate(key) for key in services.id_token_keys.published(services.clock())]
    return Reply(PublicKeys(keys=keys), headers=_REMEMBERED)
