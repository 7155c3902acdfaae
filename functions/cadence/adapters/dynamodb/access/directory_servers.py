"""`DirectoryServerStore` and `SignInAttempts` on the `access` table."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.exceptions import DoesNotExist
from pynamodb.expressions.update import Action

from cadence.adapters.dynamodb.access.access_items import AccessTable
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.access.directory_ports import DirectoryServerStore, SignInAttempts
from cadence.application.access.ports import Cipher
from cadence.domain.access.directory_server import DirectoryKind, DirectoryServer
from cadence.domain.shared.errors import Conflict, NotFound


class DirectoryServerItem(AccessTable):
    """All directories are in one partition, which is what the sync reads."""

    PK: ClassVar[str] = "DIRECTORIES"

    kind = UnicodeAttribute()
    url = UnicodeAttribute()
    bind_dn = UnicodeAttribute()
    user_base = UnicodeAttribute()
    group_base = UnicodeAttribute()
    user_filter = UnicodeAttribute(default="")
    ca = UnicodeAttribute(null=True)
    created_at = UTCDateTimeAttribute()
    bind_password = BinaryAttribute(legacy_encoding=False)
    synced_at = UTCDateTimeAttribute(null=True)
    problem = UnicodeAttribute(default="")

    @classmethod
    def key(cls, organization: str, name: str) -> tuple[str, str]:
        return cls.PK, f"{organization}#{name}"

    def server(self) -> DirectoryServer:
        organization, _, name = self.sk.partition("#")
        return DirectoryServer(
            organization=organization,
            name=name,
            kind=DirectoryKind(self.kind),
            url=self.url,
            bind_dn=self.bind_dn,
            user_base=self.user_base,
            group_base=self.group_base,
            user_filter=self.user_filter,
            ca=self.ca,
            created_at=self.created_at,
            synced_at=self.synced_at,
            problem=self.problem,
        )


class SignInAttemptsItem(AccessTable):
    PREFIX: ClassVar[str] = "SIGNINATTEMPTS#"
    SK: ClassVar[str] = "SIGNINATTEMPTS"

    attempts = NumberAttribute()


class DynamoDirectoryServers(DirectoryServerStore):
    def __init__(self, table_name: str, cipher: Cipher) -> None:
        bind(DirectoryServerItem, table_name)
        self._cipher = cipher

    def put_directory(self, server: DirectoryServer, bind_password: str) -> None:
        item = DirectoryServerItem(
            *DirectoryServerItem.key(server.organization, server.name),
            kind=str(server.kind),
            url=server.url,
            bind_dn=server.bind_dn,
            user_base=server.user_base,
            group_base=server.group_base,
            user_filter=server.user_filter,
            ca=server.ca,
            created_at=server.created_at,
            bind_password=self._cipher.encrypt(bind_password.encode(), _context(server.organization, server.name)),
        )
        with translated("directory"):
            item.save()

    def get_directory(self, organization: str, name: str) -> DirectoryServer:
        return self._item(organization, name).server()

    def bind_password(self, organization: str, name: str) -> str:
        encrypted = self._item(organization, name).bind_password
        return self._cipher.decrypt(encrypted, _context(organization, name)).decode()

    def list_directories(self, organization: str) -> Sequence[DirectoryServer]:
        return self._list(f"{organization}#")

    def all_directories(self) -> Sequence[DirectoryServer]:
        return self._list("")

    def note_sync(self, server: DirectoryServer, at: datetime, problem: str) -> None:
        item = DirectoryServerItem(*DirectoryServerItem.key(server.organization, server.name))
        noted: list[Action] = [DirectoryServerItem.problem.set(problem)]
        noted += [] if problem else [DirectoryServerItem.synced_at.set(at)]
        try:
            with translated("directory"):
                item.update(noted, condition=DirectoryServerItem.pk.exists())
        except Conflict:
            return  # It was deleted meanwhile.

    def delete_directory(self, organization: str, name: str) -> None:
        with translated("directory"):
            DirectoryServerItem(*DirectoryServerItem.key(organization, name)).delete()

    def _list(self, prefix: str) -> Sequence[DirectoryServer]:
        condition = DirectoryServerItem.sk.startswith(prefix) if prefix else None
        with translated("directories"):
            found = DirectoryServerItem.query(DirectoryServerItem.PK, condition, consistent_read=True)
            return [item.server() for item in found]

    def _item(self, organization: str, name: str) -> DirectoryServerItem:
        try:
            with translated("directory"):
                return DirectoryServerItem.get(*DirectoryServerItem.key(organization, name), consistent_read=True)
        except DoesNotExist:
            raise NotFound(f"There is no directory {name!r} here.") from None


class DynamoSignInAttempts(SignInAttempts):
    """Each stretch of time has its own counter, which expires by itself."""

    def __init__(self, table_name: str, clock: Callable[[], datetime]) -> None:
        bind(SignInAttemptsItem, table_name)
        self._clock = clock

    def add(self, key: str, within: timedelta) -> int:
        return self._change(key, within, 1)

    def take_back(self, key: str, within: timedelta) -> None:
        self._change(key, within, -1)

    def _change(self, key: str, within: timedelta, by: int) -> int:
        stretch = int(self._clock().timestamp() // within.total_seconds())
        digest = hashlib.sha256(f"{key}|{stretch}".encode("utf-8", "surrogatepass")).hexdigest()
        item = SignInAttemptsItem(SignInAttemptsItem.PREFIX + digest, SignInAttemptsItem.SK)
        ends = datetime.fromtimestamp((stretch + 2) * within.total_seconds(), UTC)
        with translated("attempts to sign in"):
            item.update([SignInAttemptsItem.attempts.add(by), SignInAttemptsItem.expires_at.set(ends)])
        return int(item.attempts)


def _context(organization: str, name: str) -> Mapping[str, str]:
    return {"purpose": "directory", "organization": organization, "name": name}
