"""`PoolCredentials`: encrypted by KMS for the pool's provider alone, in the `access` table."""

import json
from collections.abc import Mapping
from datetime import datetime

from pynamodb.exceptions import DoesNotExist

from cadence.adapters.dynamodb.access.access_items import PoolCredentialsItem
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.adapters.kms.chunked_cipher import decrypt_parts, encrypt_parts
from cadence.application.access.ports import Cipher
from cadence.application.placement.ports import CredentialsDescription
from cadence.domain.placement.pool import Pool
from cadence.domain.shared.errors import TooLarge

MAX_BYTES = 64 * 1024


class DynamoPoolCredentials:
    def __init__(self, table_name: str, cipher: Cipher) -> None:
        bind(PoolCredentialsItem, table_name)
        self._cipher = cipher

    def put(self, pool: Pool, credentials: Mapping[str, str], at: datetime) -> CredentialsDescription:
        plain = json.dumps(dict(credentials)).encode()
        if len(plain) > MAX_BYTES:
            raise TooLarge(
                f"A pool's credentials may have {MAX_BYTES} bytes; these have {len(plain)}.", limit=MAX_BYTES
            )
        item = PoolCredentialsItem(
            *PoolCredentialsItem.key(pool),
            provider=pool.provider,
            names=sorted(credentials),
            updated_at=at,
            parts=encrypt_parts(self._cipher, plain, _context(pool)),
        )
        with translated(f"credentials of pool {pool.name}"):
            item.save()
        return CredentialsDescription(tuple(sorted(credentials)), at)

    def remove(self, pool: Pool) -> None:
        with translated(f"credentials of pool {pool.name}"):
            PoolCredentialsItem(*PoolCredentialsItem.key(pool)).delete()

    def describe(self, pool: Pool) -> CredentialsDescription:
        item = self._find(pool)
        return CredentialsDescription(tuple(item.names), item.updated_at) if item else CredentialsDescription()

    def get(self, pool: Pool) -> Mapping[str, str]:
        item = self._find(pool)
        if item is None:
            return {}
        credentials: dict[str, str] = json.loads(decrypt_parts(self._cipher, item.parts, _context(pool)))
        return credentials

    def _find(self, pool: Pool) -> PoolCredentialsItem | None:
        """Returns the credentials. Those for another provider do not count: the pool's provider has changed since."""
        try:
            with translated(f"credentials of pool {pool.name}"):
                item = PoolCredentialsItem.get(*PoolCredentialsItem.key(pool), consistent_read=True)
        except DoesNotExist:
            return None
        return item if item.provider == pool.provider else None


def _context(pool: Pool) -> Mapping[str, str]:
    return {"provider": pool.provider, "organization": pool.organization, "pool": pool.name}
