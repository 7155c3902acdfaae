"""`SubscriptionStore` on the `access` table."""

from typing import ClassVar

from pynamodb.attributes import UnicodeSetAttribute

from cadence.adapters.dynamodb.access.access_items import AccessTable, organization_key
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.shared.event_ports import SubscriptionStore
from cadence.domain.exports.event import NO_SUBSCRIPTIONS, Audience, EventKind, Subscriptions


class SubscriptionsItem(AccessTable):
    class Meta:
        table_name: ClassVar[str] = "access"

    SK: ClassVar[str] = "SUBSCRIPTIONS"

    alerting = UnicodeSetAttribute(null=True)
    exporting = UnicodeSetAttribute(null=True)


class DynamoSubscriptionStore(SubscriptionStore):
    def __init__(self, table_name: str) -> None:
        for model in (AccessTable, SubscriptionsItem):
            bind(model, table_name)

    def get_subscriptions(self, organization: str) -> Subscriptions:
        with translated(f"subscriptions of organization {organization}"):
            keys = [(organization_key(organization), SubscriptionsItem.SK)]
            items = list(SubscriptionsItem.batch_get(keys, consistent_read=True))
        if not items:
            return NO_SUBSCRIPTIONS
        return {
            audience: NO_SUBSCRIPTIONS[audience] | {EventKind(kind) for kind in getattr(items[0], audience) or ()}
            for audience in Audience
        }

    def subscribe(self, organization: str, audience: Audience, kinds: frozenset[EventKind]) -> None:
        attribute = getattr(SubscriptionsItem, audience)
        action = attribute.set({str(kind) for kind in kinds}) if kinds else attribute.remove()
        with translated(f"subscriptions of organization {organization}"):
            SubscriptionsItem(organization_key(organization), SubscriptionsItem.SK).update(actions=[action])
