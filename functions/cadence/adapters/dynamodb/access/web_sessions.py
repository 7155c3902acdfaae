"""`WebSessionStore` on the `access` table."""

from collections.abc import Sequence
from typing import ClassVar

from pynamodb.attributes import UnicodeAttribute, UTCDateTimeAttribute

from cadence.adapters.dynamodb.access.access_items import AccessTable, TokenItem
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.adapters.dynamodb.shared.single_use import take_item
from cadence.domain.access.web_session import SignInCode, WebSession
from cadence.domain.shared.errors import Conflict, NotFound


class WebSessionItem(AccessTable):
    """Stored under its token, so that the sessions of a token can be listed."""

    class Meta:
        table_name: ClassVar[str] = "access"

    PREFIX: ClassVar[str] = "SESSION#"

    cookie_sha256 = UnicodeAttribute()
    header_sha256 = UnicodeAttribute()
    created_at = UTCDateTimeAttribute()
    valid_until = UTCDateTimeAttribute()

    @classmethod
    def key(cls, token_id: str, session_id: str) -> tuple[str, str]:
        return TokenItem.PREFIX + token_id, cls.PREFIX + session_id

    def session(self) -> WebSession:
        return WebSession(
            session_id=self.sk.removeprefix(self.PREFIX),
            token_id=self.pk.removeprefix(TokenItem.PREFIX),
            cookie_sha256=self.cookie_sha256,
            header_sha256=self.header_sha256,
            created_at=self.created_at,
            expires_at=self.valid_until,
        )


class SignInCodeItem(AccessTable):
    class Meta:
        table_name: ClassVar[str] = "access"

    PREFIX: ClassVar[str] = "SIGNIN#"
    SK: ClassVar[str] = "SIGNIN"

    token_id = UnicodeAttribute()
    valid_until = UTCDateTimeAttribute()


class DynamoWebSessionStore:
    """Implements WebSessionStore."""

    def __init__(self, table_name: str) -> None:
        for model in (AccessTable, TokenItem, WebSessionItem, SignInCodeItem):
            bind(model, table_name)

    def add_code(self, code: SignInCode) -> None:
        item = SignInCodeItem(
            SignInCodeItem.PREFIX + code.code_sha256,
            SignInCodeItem.SK,
            token_id=code.token_id,
            valid_until=code.expires_at,
            expires_at=code.expires_at,
        )
        with translated("sign-in code"):
            item.save()

    def use_code(self, code_sha256: str) -> SignInCode:
        item = take_item(SignInCodeItem, SignInCodeItem.PREFIX + code_sha256, SignInCodeItem.SK, "sign-in code")
        return SignInCode(code_sha256, item.token_id, item.valid_until)

    def add_session(self, session: WebSession) -> None:
        item = WebSessionItem(
            *WebSessionItem.key(session.token_id, session.session_id),
            cookie_sha256=session.cookie_sha256,
            header_sha256=session.header_sha256,
            created_at=session.created_at,
            valid_until=session.expires_at,
            expires_at=session.expires_at,
        )
        with translated("session"):
            item.save()

    def get_session(self, token_id: str, session_id: str) -> WebSession:
        try:
            with translated("session"):
                return WebSessionItem.get(*WebSessionItem.key(token_id, session_id), consistent_read=True).session()
        except WebSessionItem.DoesNotExist:
            raise NotFound("There is no such session.") from None

    def list_sessions(self, token_id: str) -> Sequence[WebSession]:
        partition, prefix = WebSessionItem.key(token_id, "")
        with translated("sessions"):
            found = WebSessionItem.query(partition, WebSessionItem.sk.startswith(prefix), consistent_read=True)
            return [item.session() for item in found]

    def delete_session(self, token_id: str, session_id: str) -> None:
        try:
            with translated("session"):
                WebSessionItem(*WebSessionItem.key(token_id, session_id)).delete(WebSessionItem.pk.exists())
        except Conflict:
            raise NotFound("There is no such session.") from None
