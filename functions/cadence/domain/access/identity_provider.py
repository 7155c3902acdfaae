"""Identity providers of an organization, and what a token of theirs shows about a person."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cadence.domain.shared.errors import Unauthenticated

# An identity token is used right after it was made; an older one may have been stolen.
_OLDEST = timedelta(minutes=10)
_REFUSED = "The identity token is not valid here"


@dataclass(frozen=True, kw_only=True)
class IdentityProvider:
    """An OpenID Connect provider. `client_id` is a public client: Cadence keeps no secret of it.

    `groups_claim` is the claim that lists a person's groups. With `open_to_all`, everyone who can sign in at the
    provider becomes a member; otherwise only those whom the organization has added by their address.
    """

    organization: str
    name: str
    issuer: str
    client_id: str
    created_at: datetime
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    groups_claim: str = "groups"
    open_to_all: bool = False


@dataclass(frozen=True, kw_only=True)
class SignedInPerson:
    """A person as the claims of an identity token describe it. `email` is None unless the provider verified it."""

    identity: str
    name: str
    email: str | None
    groups: frozenset[str]


def read_person(
    provider: IdentityProvider, claims: Mapping[str, Any], nonce: str | None, now: datetime
) -> SignedInPerson:
    """Returns the person of claims whose signature, issuer, audience and times were verified.

    Raises Unauthenticated for a wrong nonce, a token made for another client, and one that is too old.
    """
    if claims.get("nonce") != nonce:
        raise Unauthenticated(f"{_REFUSED}: it belongs to another sign-in.")
    authorized = claims.get("azp")
    audience = claims.get("aud")
    if authorized not in (None, provider.client_id) or (isinstance(audience, list) and len(audience) > 1):
        raise Unauthenticated(f"{_REFUSED}: it was made for another client.")
    if now.timestamp() - float(claims["iat"]) > _OLDEST.total_seconds():
        raise Unauthenticated(f"{_REFUSED}: it is too old. Sign in again.")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject:
        raise Unauthenticated(f"{_REFUSED}: it names no one.")
    email = claims.get("email") if claims.get("email_verified") is True else None
    groups = claims.get(provider.groups_claim)
    return SignedInPerson(
        identity=f"{provider.issuer}|{subject}",
        name=str(claims.get("name") or email or subject)[:100],
        email=email.lower() if isinstance(email, str) else None,
        groups=frozenset(str(group) for group in groups) if isinstance(groups, list) else frozenset(),
    )
