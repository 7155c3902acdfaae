"""A flood of webhooks costs one decryption in five minutes; a replaced secret is another one."""

from collections.abc import Mapping

import pytest

from cadence.adapters.caching.cached_cipher import SECONDS, CachedCipher
from cadence.domain.shared.errors import Conflict


class Kms:
    def __init__(self) -> None:
        self.calls = 0

    def encrypt(self, plain: bytes, context: Mapping[str, str]) -> bytes:
        return repr(sorted(context.items())).encode() + b"|" + plain

    def decrypt(self, ciphertext: bytes, context: Mapping[str, str]) -> bytes:
        self.calls += 1
        bound, _, plain = ciphertext.partition(b"|")
        if bound != repr(sorted(context.items())).encode():
            raise Conflict("another context")
        return plain


def test_what_was_decrypted_is_remembered_for_a_while() -> None:
    kms, now = Kms(), [0.0]
    cipher = CachedCipher(kms, lambda: now[0])
    secret = cipher.encrypt(b"secret", {"githost": "g"})
    for _ in range(1_000):
        assert cipher.decrypt(secret, {"githost": "g"}) == b"secret"
    assert kms.calls == 1
    assert cipher.decrypt(cipher.encrypt(b"new", {"githost": "g"}), {"githost": "g"}) == b"new"
    assert kms.calls == 2
    now[0] = SECONDS
    cipher.decrypt(secret, {"githost": "g"})
    assert kms.calls == 3


def test_a_remembered_secret_is_bound_to_its_context() -> None:
    cipher = CachedCipher(Kms())
    secret = cipher.encrypt(b"secret", {"githost": "g"})
    cipher.decrypt(secret, {"githost": "g"})
    with pytest.raises(Conflict):
        cipher.decrypt(secret, {"githost": "other"})


def test_no_more_than_a_thousand_secrets_are_remembered() -> None:
    kms = Kms()
    cipher = CachedCipher(kms)
    for number in range(1_001):
        cipher.decrypt(cipher.encrypt(b"%d" % number, {}), {})
    assert len(cipher._known) == 1
