"""Reads tokens with their holders and policies, in one call once a token was seen by this process."""

from collections.abc import Iterable

from cadence.adapters.dynamodb.access.access_items import OrganizationItem, TokenItem, organization_key
from cadence.adapters.dynamodb.access.people_items import (
    PolicyItem,
    PrincipalItem,
    holder_key,
    read_policy,
)
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.access.ports import Credentials
from cadence.domain.access.access import ApiToken
from cadence.domain.access.people import AccessPolicy, Subject
from cadence.domain.shared.errors import NotFound

_MOST_KNOWN = 2_000
_Key = tuple[str, str]


class CredentialReader:
    """Keeps, of tokens, only whose they are, which never changes; and policies, as long as their version is the same.

    Everything that may change is read at each call, consistently.
    """

    def __init__(self) -> None:
        self._subjects: dict[str, tuple[str, str | None]] = {}
        self._policies: dict[str, AccessPolicy] = {}

    def read(self, token_id: str, organization: str | None) -> Credentials:
        """Raises NotFound if there is no such token."""
        known = self._subjects.get(token_id)
        token_key = TokenItem.key(token_id)
        if known is None:
            items = _read([token_key])
            known = self._note(token_id, _token(items, token_key))
            items |= _read(_related(known, organization))
        else:
            items = _read([token_key, *_related(known, organization)])
        token = _token(items, token_key)
        if _is_closed(items, known[0]):
            raise NotFound("The organization of this token is being deleted, or is gone.")
        if known[1] is None:
            return Credentials(token)
        subject = Subject.parse(known[1])
        holder = items.get(holder_key(known[0], subject))
        acting_in = organization or known[0]
        closed = _is_closed(items, acting_in)
        policy = None if closed else items.get((organization_key(acting_in), PolicyItem.SK))
        return Credentials(
            token,
            holder.holder(known[0], subject) if holder else None,
            self._policy(acting_in, policy) if policy else AccessPolicy(acting_in),
        )

    def _note(self, token_id: str, token: ApiToken) -> tuple[str, str | None]:
        if len(self._subjects) >= _MOST_KNOWN:
            self._subjects.clear()
        known = self._subjects[token_id] = (token.organization, token.subject)
        return known

    def _policy(self, organization: str, item: PrincipalItem) -> AccessPolicy:
        known = self._policies.get(organization)
        if known is None or known.version != int(item.version):
            known = self._policies[organization] = read_policy(organization, int(item.version), item.content)
        return known


def _related(known: tuple[str, str | None], organization: str | None) -> list[_Key]:
    home, subject = known
    organizations = {home, organization or home} if subject else {home}
    keys = [(organization_key(name), OrganizationItem.SK) for name in sorted(organizations)]
    if subject is None:
        return keys
    return [*keys, holder_key(home, Subject.parse(subject)), (organization_key(organization or home), PolicyItem.SK)]


def _is_closed(items: dict[_Key, PrincipalItem], organization: str) -> bool:
    item = items.get((organization_key(organization), OrganizationItem.SK))
    return item is not None and item.deletion is not None


def _read(keys: Iterable[_Key]) -> dict[_Key, PrincipalItem]:
    with translated("the credentials"):
        return {(item.pk, item.sk): item for item in PrincipalItem.batch_get(list(keys), consistent_read=True)}


def _token(items: dict[_Key, PrincipalItem], key: _Key) -> ApiToken:
    if key not in items:
        raise NotFound("There is no such token.")
    return items[key].token()
