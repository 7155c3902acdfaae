"""Wiring of the Lambda `sign_in`, the one that calls identity providers."""

from cadence.adapters.dynamodb.access.access_store import DynamoAccessStore
from cadence.adapters.dynamodb.access.audit import DynamoAuditTrail
from cadence.adapters.dynamodb.access.directory_servers import DynamoSignInAttempts
from cadence.adapters.dynamodb.access.identity_providers import DynamoIdentityProviders
from cadence.adapters.dynamodb.access.people_store import DynamoPeopleStore
from cadence.adapters.http.egress_policy import EgressPolicy
from cadence.adapters.http.oidc_tokens import OidcTokens
from cadence.application.access.sign_in import FirstSignIn, SignIn
from cadence.application.access.sign_in_limits import SignInLimits
from cadence.composition.access.members import manage_people
from cadence.composition.shared import settings
from cadence.composition.shared.clock import now


def sign_in() -> SignIn:
    config = settings.load(settings.SignInSettings)
    access, people = DynamoAccessStore(config.access_table), DynamoPeopleStore(config.access_table)
    return SignIn(
        providers=DynamoIdentityProviders(config.access_table),
        tokens=OidcTokens(EgressPolicy.of(config.outbound_hosts)),
        people=people,
        first=FirstSignIn(people=people, seen=access, clock=now),
        manage=manage_people(config.access_table, access, people),
        seen=access,
        limits=SignInLimits(DynamoSignInAttempts(config.access_table, now)),
        audit=DynamoAuditTrail(config.access_table),
        clock=now,
    )
