"""`TokenUseStore` on the `access` table: apart from the tokens, so that Lambdas may note uses and change no token."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import ClassVar

from pynamodb.attributes import UTCDateTimeAttribute

from cadence.adapters.dynamodb.access.access_items import AccessTable
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.access.token_uses import TokenUseStore

_KEPT = timedelta(days=400)


class TokenUseItem(AccessTable):
    class Meta:
        table_name: ClassVar[str] = "access"

    PREFIX: ClassVar[str] = "TOKENUSE#"
    SK: ClassVar[str] = "TOKENUSE"

    used_at = UTCDateTimeAttribute()


class DynamoTokenUses(TokenUseStore):
    def __init__(self, table_name: str) -> None:
        bind(TokenUseItem, table_name)

    def put(self, token_id: str, at: datetime) -> None:
        item = TokenUseItem(TokenUseItem.PREFIX + token_id, TokenUseItem.SK, used_at=at, expires_at=at + _KEPT)
        with translated("the use of a token"):
            item.save()

    def last_uses(self, token_ids: Iterable[str]) -> Mapping[str, datetime]:
        keys = [(TokenUseItem.PREFIX + token_id, TokenUseItem.SK) for token_id in token_ids]
        with translated("the uses of tokens"):
            items = list(TokenUseItem.batch_get(keys)) if keys else []
        return {item.pk.removeprefix(TokenUseItem.PREFIX): item.used_at for item in items}
