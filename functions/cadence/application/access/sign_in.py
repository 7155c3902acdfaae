"""Signs people in with a token of their organization's identity provider."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Protocol

from cadence.application.access.manage_people import ManagePeople
from cadence.application.access.people_ports import PeopleStore
from cadence.application.access.ports import AuditTrail, SeenStore
from cadence.application.access.sign_in_limits import SignInLimits
from cadence.application.access.sign_in_records import SignInRecords
from cadence.application.access.team_groups import carry_over
from cadence.application.shared.identifiers import new_ulid
from cadence.application.shared.ports import Clock
from cadence.domain.access.identity_provider import IdentityProvider, SignedInPerson, read_person
from cadence.domain.access.people import IDENTITY_PROVIDER_SOURCE, Member
from cadence.domain.shared.errors import Conflict, Forbidden, NotFound, Unauthenticated

SIGNED_IN_FOR = timedelta(hours=12)
_REMEMBERED = timedelta(hours=1)
_AT_ONCE = timedelta(minutes=1)


class IdentityProviderStore(Protocol):
    """The identity providers of organizations."""

    def put_provider(self, provider: IdentityProvider) -> None:
        """Creates or replaces an identity provider."""

    def get_provider(self, organization: str, name: str) -> IdentityProvider:
        """Returns an identity provider. Raises NotFound."""

    def list_providers(self, organization: str) -> Sequence[IdentityProvider]:
        """Returns the identity providers of the organization, by name."""

    def delete_provider(self, organization: str, name: str) -> None:
        """Deletes an identity provider. Deleting an absent one is no error."""


class SignInTokens(Protocol):
    """Verifies identity tokens with the keys that their issuer publishes."""

    def read(self, token: str, issuer: str, audience: str) -> Mapping[str, Any]:
        """Returns the claims of a token that `issuer` signed for `audience` and that is valid now.

        Raises Unauthenticated if it is not valid, and Transient if the issuer's keys cannot be read.
        """


@dataclass(frozen=True)
class SignedIn:
    """A member with a new token's text and its end."""

    member: Member
    token: str
    seconds: int

    def as_json(self) -> Mapping[str, Any]:
        """Returns the answer to whoever signed in."""
        return {
            "token": self.token,
            "expires_in": self.seconds,
            "member_id": self.member.member_id,
            "name": self.member.name,
        }


@dataclass(frozen=True, kw_only=True)
class FirstSignIn:
    """Makes members of people who sign in for the first time."""

    people: PeopleStore
    seen: SeenStore
    clock: Clock

    def join(self, organization: str, identity: str, name: str, email: str) -> Member:
        """Returns the new member of an identity: one and the same for requests that cross each other."""
        now = self.clock()
        key = f"SIGNIN#{hashlib.sha256(f'{organization}|{identity}'.encode()).hexdigest()}"
        first = self.seen.first_seen(key, new_ulid(now), now, _AT_ONCE)
        # The table removes what has expired in its own time.
        crosses = now - first.first_seen < _AT_ONCE
        member = Member(
            organization=organization,
            member_id=first.fingerprint if crosses else new_ulid(now),
            name=name,
            email=email,
            created_at=now,
            identity=identity,
        )
        self.people.put_member(member)
        return member


@dataclass(frozen=True, kw_only=True)
class SignIn:
    """Signs people in."""

    providers: IdentityProviderStore
    tokens: SignInTokens
    people: PeopleStore
    first: FirstSignIn
    manage: ManagePeople
    seen: SeenStore
    limits: SignInLimits
    audit: AuditTrail
    clock: Clock

    def sign_in(
        self, organization: str, provider_name: str, id_token: str, nonce: str | None, source: str = ""
    ) -> SignedIn:
        """Returns the member with a new token, after the groups of the provider were carried over to the teams.

        `source` is the caller's address. Raises Unauthenticated for a token that is not valid or was used before,
        Forbidden for a person who is no member, NotFound for an unknown provider, Transient if the provider cannot be
        asked, QuotaExceeded after too many failures.
        """
        with self.limits.counting("provider", f"{organization}|{provider_name}|{id_token}", source):
            provider = self.providers.get_provider(organization, provider_name)
            records = self._records(provider, source)
            with records.noting_refusals():
                claims = self.tokens.read(id_token, provider.issuer, provider.client_id)
                person = read_person(provider, claims, nonce, self.clock())
                self._use_once(id_token)
        with records.noting_refusals():
            member = self._carried_over(provider, person)
        actor = str(member.subject)
        token, text = self.manage.issue(organization, member.subject, "sign-in", actor, SIGNED_IN_FOR)
        records.accepted(actor, token.token_id)
        return SignedIn(member, text, int(SIGNED_IN_FOR.total_seconds()))

    def _records(self, provider: IdentityProvider, source: str) -> SignInRecords:
        return SignInRecords(
            audit=self.audit,
            clock=self.clock,
            organization=provider.organization,
            action="sign_in",
            name=f"{IDENTITY_PROVIDER_SOURCE}{provider.name}",
            target=f"/v1/identity-providers/{provider.name}",
            source=source,
        )

    def _carried_over(self, provider: IdentityProvider, person: SignedInPerson) -> Member:
        groups_of = f"{IDENTITY_PROVIDER_SOURCE}{provider.name}"
        try:
            return carry_over(self.people, self._member(provider, person), person.groups, groups_of)
        except NotFound:
            raise Unauthenticated("The member was removed meanwhile.") from None

    def _use_once(self, id_token: str) -> None:
        use = secrets.token_hex(16)
        # What is signed: the same signature can be written in several ways.
        key = f"SIGNIN#{hashlib.sha256(id_token.rpartition('.')[0].encode()).hexdigest()}"
        if self.seen.first_seen(key, use, self.clock(), _REMEMBERED).fingerprint != use:
            raise Unauthenticated("The identity token was used before. Sign in again.")

    def _member(self, provider: IdentityProvider, person: SignedInPerson) -> Member:
        members = self.people.list_members(provider.organization)
        known = next((member for member in members if member.identity == person.identity), None)
        if known is not None:
            return known
        added = [one for one in members if one.identity is None and person.email and one.email.lower() == person.email]
        if added:
            try:
                self.people.bind_identity(provider.organization, added[0].member_id, person.identity)
            except Conflict:
                raise Forbidden("Another person has signed in as this member meanwhile.") from None
            return replace(added[0], identity=person.identity)
        if not provider.open_to_all:
            address = f"the address {person.email}" if person.email else "no address that the provider has verified"
            message = f"You are no member of {provider.organization} (signed in with {address}). Ask for an invitation."
            raise Forbidden(message)
        return self.first.join(provider.organization, person.identity, person.name, person.email or "")
