"""`SharedKeys` on the `access` table."""

import secrets

from pynamodb.exceptions import DoesNotExist

from cadence.adapters.dynamodb.access.access_items import KeyItem
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.access.ports import Cipher
from cadence.domain.shared.errors import Conflict

_KEY_CONTEXT = "shared-key"


class DynamoSharedKeys:
    """Random keys shared by all processes: created once, kept encrypted in the `access` table, cached here."""

    def __init__(self, cipher: Cipher) -> None:
        self._cipher = cipher
        self._known: dict[str, bytes] = {}

    def key(self, name: str) -> bytes:
        if name not in self._known:
            self._known[name] = self._load_or_make(name)
        return self._known[name]

    def _load_or_make(self, name: str) -> bytes:
        context = {"purpose": _KEY_CONTEXT, "name": name}
        try:
            item = KeyItem.get(name, KeyItem.SK, consistent_read=True)
        except DoesNotExist:
            item = KeyItem(name, KeyItem.SK, encrypted=self._cipher.encrypt(secrets.token_bytes(32), context))
            try:
                with translated("shared key"):
                    item.save(KeyItem.pk.does_not_exist())
            except Conflict:
                item = KeyItem.get(name, KeyItem.SK, consistent_read=True)
        return self._cipher.decrypt(item.encrypted, context)
