"""The policy of an organization for the lifetime of its tokens."""

from datetime import timedelta

from pydantic import Field

from api.endpoint import Body, Call, Endpoints, Model
from cadence.composition.api import Services
from cadence.domain.access.access import Permission
from cadence.domain.access.token_policy import TokenPolicy
from cadence.domain.shared.errors import Forbidden

endpoints = Endpoints("people")

_DAY = timedelta(days=1)
_MOST_DAYS = 3_650


class TokenPolicyBody(Body):
    """Days that a token may live that is created from now on; null for tokens without an end."""

    longest_days: int | None = Field(ge=1, le=_MOST_DAYS)


class TokenPolicyView(Model):
    longest_days: int | None


@endpoints.add("GET", "/v1/organizations/token-policy", Permission.ORGANIZATIONS_READ, answers={200: TokenPolicyView})
def show_token_policy(call: Call, services: Services) -> TokenPolicyView:
    """Shows how long tokens of the organization may live."""
    return _view(services.token_policies.get_token_policy(call.by.organization))


@endpoints.add(
    "PUT",
    "/v1/organizations/token-policy",
    Permission.ORGANIZATIONS_WRITE,
    answers={200: TokenPolicyView},
    errors=(413, 415, 422),
    at="organization",
)
def put_token_policy(call: Call, services: Services, body: TokenPolicyBody) -> TokenPolicyView:
    """Sets how long tokens may live that are created from now on: a longer lifetime is shortened to it.

    Tokens that exist, and the first token of an organization, stay as they are.
    """
    if not call.by.whole_organization:
        raise Forbidden("Only a token for all projects can change the token policy.")
    policy = TokenPolicy(None if body.longest_days is None else body.longest_days * _DAY)
    services.token_policies.put_token_policy(call.by.organization, policy)
    return _view(policy)


def _view(policy: TokenPolicy) -> TokenPolicyView:
    return TokenPolicyView(longest_days=None if policy.longest is None else policy.longest // _DAY)
