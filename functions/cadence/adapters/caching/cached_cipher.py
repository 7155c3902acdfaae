"""`Cipher` that remembers what it decrypted, so that a flood of webhooks costs one call of KMS in a few minutes."""

import time
from collections.abc import Callable, Mapping

from cadence.application.access.ports import Cipher

SECONDS = 300.0
_MOST_KNOWN = 1_000

_Key = tuple[bytes, tuple[tuple[str, str], ...]]


class CachedCipher(Cipher):
    """A replaced secret is another ciphertext, so that the one of before is not used for it."""

    def __init__(self, cipher: Cipher, clock: Callable[[], float] = time.monotonic) -> None:
        self._cipher, self._clock = cipher, clock
        self._known: dict[_Key, tuple[float, bytes]] = {}

    def encrypt(self, plain: bytes, context: Mapping[str, str]) -> bytes:
        return self._cipher.encrypt(plain, context)

    def decrypt(self, ciphertext: bytes, context: Mapping[str, str]) -> bytes:
        key, now = (bytes(ciphertext), tuple(sorted(context.items()))), self._clock()
        known = self._known.get(key)
        if known is not None and now < known[0]:
            return known[1]
        plain = self._cipher.decrypt(ciphertext, context)
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[key] = now + SECONDS, plain
        return plain
