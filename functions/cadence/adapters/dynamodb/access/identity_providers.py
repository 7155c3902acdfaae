"""`IdentityProviderStore` on the `access` table."""

from collections.abc import Sequence
from typing import ClassVar

from pynamodb.attributes import BooleanAttribute, JSONAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.exceptions import DoesNotExist

from cadence.adapters.dynamodb.access.access_items import AccessTable, organization_key
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.access.sign_in import IdentityProviderStore
from cadence.domain.access.identity_provider import IdentityProvider
from cadence.domain.shared.errors import NotFound


class IdentityProviderItem(AccessTable):
    PREFIX: ClassVar[str] = "IDENTITYPROVIDER#"

    issuer = UnicodeAttribute()
    client_id = UnicodeAttribute()
    created_at = UTCDateTimeAttribute()
    scopes: JSONAttribute = JSONAttribute()
    groups_claim = UnicodeAttribute()
    open_to_all = BooleanAttribute(default=False)

    def provider(self) -> IdentityProvider:
        return IdentityProvider(
            organization=self.pk.removeprefix(organization_key("")),
            name=self.sk.removeprefix(self.PREFIX),
            issuer=self.issuer,
            client_id=self.client_id,
            created_at=self.created_at,
            scopes=tuple(self.scopes),
            groups_claim=self.groups_claim,
            open_to_all=bool(self.open_to_all),
        )


class DynamoIdentityProviders(IdentityProviderStore):
    def __init__(self, table_name: str) -> None:
        bind(IdentityProviderItem, table_name)

    def put_provider(self, provider: IdentityProvider) -> None:
        with translated("identity provider"):
            IdentityProviderItem(
                *_key(provider.organization, provider.name),
                issuer=provider.issuer,
                client_id=provider.client_id,
                created_at=provider.created_at,
                scopes=list(provider.scopes),
                groups_claim=provider.groups_claim,
                open_to_all=provider.open_to_all,
            ).save()

    def get_provider(self, organization: str, name: str) -> IdentityProvider:
        try:
            with translated("identity provider"):
                return IdentityProviderItem.get(*_key(organization, name), consistent_read=True).provider()
        except DoesNotExist:
            raise NotFound(f"There is no identity provider {name!r} here.") from None

    def list_providers(self, organization: str) -> Sequence[IdentityProvider]:
        partition, prefix = _key(organization, "")
        with translated("identity providers"):
            items = IdentityProviderItem.query(
                partition, IdentityProviderItem.sk.startswith(prefix), consistent_read=True
            )
            return [item.provider() for item in items]

    def delete_provider(self, organization: str, name: str) -> None:
        with translated("identity provider"):
            IdentityProviderItem(*_key(organization, name)).delete()


def _key(organization: str, name: str) -> tuple[str, str]:
    return organization_key(organization), IdentityProviderItem.PREFIX + name
