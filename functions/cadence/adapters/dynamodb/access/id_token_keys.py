"""`IdTokenKeys`: keys that sign identity tokens of treatments, made when they are needed, encrypted in `access`."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from pynamodb.attributes import BinaryAttribute, JSONAttribute

from cadence.adapters.dynamodb.access.access_items import AccessTable
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.access.ports import Cipher
from cadence.domain.runners.id_token import SigningKeyPeriod
from cadence.domain.shared.errors import Conflict, Transient

_BITS = 2_048
_WHAT = "the key of identity tokens"


class IdTokenKeyItem(AccessTable):
    PK: ClassVar[str] = "IDTOKENKEYS"

    public = JSONAttribute()  # a JWK
    encrypted = BinaryAttribute(legacy_encoding=False)  # the private key, as PKCS #8

    @classmethod
    def key(cls, period: SigningKeyPeriod) -> tuple[str, str]:
        return cls.PK, f"KEY#{period.number:06}"


@dataclass(frozen=True)
class PublishedIdTokenKeys:
    """Reads the public keys. It needs no right to decrypt."""

    table_name: str

    def published(self, at: datetime) -> Sequence[Mapping[str, Any]]:
        bind(IdTokenKeyItem, self.table_name)
        keys = [IdTokenKeyItem.key(period) for period in SigningKeyPeriod.at(at).published]
        with translated(_WHAT):
            items = sorted(IdTokenKeyItem.batch_get(keys, consistent_read=True), key=lambda item: str(item.sk))
        return [item.public for item in items]


class SigningIdTokenKeys:
    """Signs with the key of the period, and makes it and the next one where they are missing.

    The next key is therefore published long before it signs, if tokens are asked for in each period. A private key is
    in memory only, for as long as the process lives.
    """

    def __init__(self, table_name: str, cipher: Cipher) -> None:
        bind(IdTokenKeyItem, table_name)
        self._cipher = cipher
        self._known: dict[SigningKeyPeriod, tuple[str, bytes]] = {}

    def sign(self, claims: Mapping[str, Any], at: datetime) -> str:
        # Only the gateway signs, and seldom: this imports all of cryptography.
        import jwt

        period = SigningKeyPeriod.at(at)
        if period not in self._known:
            item = self._get_or_make(period)
            self._get_or_make(period.next)
            key = self._cipher.decrypt(item.encrypted, _context(item.public["kid"]))
            self._known = {period: (item.public["kid"], key)}
        kid, private = self._known[period]
        return jwt.encode(dict(claims), _private_key(private), algorithm="RS256", headers={"kid": kid})

    def _get_or_make(self, period: SigningKeyPeriod) -> IdTokenKeyItem:
        item = _find(period)
        if item is not None:
            return item
        made = self._make(period)
        try:
            with translated(_WHAT):
                made.save(IdTokenKeyItem.pk.does_not_exist())
        except Conflict:  # another process made it at the same time
            item = _find(period)
            if item is None:
                raise Transient("The key of identity tokens is being replaced. Try again.") from None
            return item
        return made

    def _make(self, period: SigningKeyPeriod) -> IdTokenKeyItem:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        private = rsa.generate_private_key(public_exponent=65_537, key_size=_BITS)
        der = private.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        numbers = private.public_key().public_numbers()
        jwk = {"kty": "RSA", "n": _base64url(numbers.n), "e": _base64url(numbers.e)}
        public = {**jwk, "kid": _thumbprint(jwk), "use": "sig", "alg": "RS256"}
        return IdTokenKeyItem(
            *IdTokenKeyItem.key(period),
            public=public,
            encrypted=self._cipher.encrypt(der, _context(public["kid"])),
            expires_at=period.expires_at,
        )


def _find(period: SigningKeyPeriod) -> IdTokenKeyItem | None:
    with translated(_WHAT):
        items = list(IdTokenKeyItem.batch_get([IdTokenKeyItem.key(period)], consistent_read=True))
    return items[0] if items else None


def _private_key(der: bytes) -> Any:
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    return load_der_private_key(der, password=None)


def _thumbprint(jwk: Mapping[str, str]) -> str:
    """Returns the thumbprint of RFC 7638: a key that is made anew has another name."""
    text = json.dumps(jwk, sort_keys=True, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def _base64url(number: int) -> str:
    return base64.urlsafe_b64encode(number.to_bytes((number.bit_length() + 7) // 8, "big")).rstrip(b"=").decode()


def _context(kid: str) -> dict[str, str]:
    return {"purpose": "id-token-key", "kid": kid}
