"""`TokenPolicyStore` on the `access` table."""

from datetime import timedelta
from typing import ClassVar

from pynamodb.attributes import NumberAttribute
from pynamodb.exceptions import DoesNotExist

from cadence.adapters.dynamodb.access.access_items import AccessTable, organization_key
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.access.ports import TokenPolicyStore
from cadence.domain.access.token_policy import TokenPolicy


class TokenPolicyItem(AccessTable):
    SK: ClassVar[str] = "TOKENPOLICY"

    longest_seconds = NumberAttribute(null=True)


class DynamoTokenPolicies(TokenPolicyStore):
    def __init__(self, table_name: str) -> None:
        bind(TokenPolicyItem, table_name)

    def get_token_policy(self, organization: str) -> TokenPolicy:
        try:
            with translated(f"the token policy of organization {organization}"):
                item = TokenPolicyItem.get(organization_key(organization), TokenPolicyItem.SK, consistent_read=True)
        except DoesNotExist:
            return TokenPolicy()
        seconds = item.longest_seconds
        return TokenPolicy(None if seconds is None else timedelta(seconds=int(seconds)))

    def put_token_policy(self, organization: str, policy: TokenPolicy) -> None:
        seconds = None if policy.longest is None else int(policy.longest.total_seconds())
        with translated(f"the token policy of organization {organization}"):
            TokenPolicyItem(organization_key(organization), TokenPolicyItem.SK, longest_seconds=seconds).save()
