"""`SecretStore`: values encrypted by KMS, or their sources, in the `access` table.

Their plain text is in no table, file or log.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.exceptions import DoesNotExist
from pynamodb.expressions.condition import Condition

from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.adapters.dynamodb.shared.stored_item import StoredItem
from cadence.adapters.kms.chunked_cipher import decrypt_parts, encrypt_parts
from cadence.adapters.kms.cipher import KmsCipher
from cadence.application.shared.secret_ports import Binding, Secret, SecretDescription, SecretStore
from cadence.domain.access.access import ALL_PROJECTS
from cadence.domain.access.secret_owner import OF_PROJECT, parse_reference
from cadence.domain.access.secret_source import LARGEST_VALUE, SecretSource
from cadence.domain.shared.errors import Conflict, NotFound, TooLarge, Transient
from cadence.domain.shared.retention import KEPT

_WRITE_ATTEMPTS = 5


class SecretItem(StoredItem):
    class Meta:
        table_name: ClassVar[str] = "access"

    PREFIX: ClassVar[str] = "SECRET#"

    name = UnicodeAttribute()  # its reference
    version = NumberAttribute()
    updated_at = UTCDateTimeAttribute()
    parts = JSONAttribute()  # ciphertexts, base64; none of a secret with a source
    environment = UnicodeAttribute(null=True)
    source = JSONAttribute(null=True)
    projects = JSONAttribute(null=True)  # of shared secrets: those that it is given to

    @classmethod
    def key(cls, organization: str, project: str, reference: str) -> tuple[str, str]:
        return _partition(organization, project, reference), cls.PREFIX + reference

    def earlier(self, until: datetime) -> "VersionItem":
        """A copy that outlives this item until then."""
        return VersionItem(
            *VersionItem.key_in(self.pk, self.name, int(self.version)),
            name=self.name,
            version=self.version,
            updated_at=self.updated_at,
            parts=self.parts,
            environment=self.environment,
            source=self.source,
            expires_at=until,
        )

    def description(self) -> SecretDescription:
        owner, name = parse_reference(self.name)
        return SecretDescription(
            name=name,
            version=int(self.version),
            updated_at=self.updated_at,
            environment=self.environment,
            source=self.read_at(),
            owner=owner,
            projects=tuple(self.projects or ()),
        )

    def read_at(self) -> SecretSource | None:
        """Returns where the value is read; None if it is here."""
        return SecretSource.from_json(self.source) if self.source else None


class VersionItem(SecretItem):
    """A version that was replaced. It is kept as long as anything that used it."""

    class Meta:
        table_name: ClassVar[str] = "access"

    PREFIX: ClassVar[str] = "SECRETVERSION#"

    @classmethod
    def key_in(cls, partition: str, name: str, version: int) -> tuple[str, str]:
        return partition, f"{cls.PREFIX}{name}#{version:08}"


class DeletedItem(StoredItem):
    """The rest of a deleted secret: the number of its last version, so that no other value ever has the same number."""

    class Meta:
        table_name: ClassVar[str] = "access"

    version = NumberAttribute()

    @classmethod
    def key(cls, organization: str, project: str, reference: str) -> tuple[str, str]:
        return _partition(organization, project, reference), f"SECRETDELETED#{reference}"


class KmsSecretStore(SecretStore):
    def __init__(self, table_name: str, key_id: str) -> None:
        for model in (SecretItem, VersionItem, DeletedItem):
            bind(model, table_name)
        self._cipher = KmsCipher(key_id)

    def put(
        self,
        organization: str,
        project: str,
        name: str,
        value: str | SecretSource,
        at: datetime,
        binding: Binding | None = None,
        projects: Sequence[str] = (),
    ) -> SecretDescription:
        source, plain = (value, b"") if isinstance(value, SecretSource) else (None, value.encode("utf-8"))
        if len(plain) > LARGEST_VALUE:
            raise TooLarge(f"A secret may have {LARGEST_VALUE} bytes; this one has {len(plain)}.", limit=LARGEST_VALUE)
        for _ in range(_WRITE_ATTEMPTS):
            current = self._find(organization, project, name)
            version = (int(current.version) if current else self._last_of_deleted(organization, project, name)) + 1
            item = SecretItem(
                *SecretItem.key(organization, project, name),
                name=name,
                version=version,
                updated_at=at,
                parts=encrypt_parts(self._cipher, plain, _context(organization, project, name, version)),
                environment=_environment(current, binding),
                source=source.as_json() if source else None,
                projects=list(projects) or None,
            )
            try:
                with translated(f"secret {name}"):
                    if current:
                        # First, so that no version is ever without an item.
                        current.earlier(at + KEPT).save()
                    item.save(_unchanged(current))
            except Conflict:
                continue
            return item.description()
        raise Transient(f"The secret {name} is being written by others. Try again.")

    def names(self, organization: str, project: str) -> Sequence[SecretDescription]:
        return self._described(*SecretItem.key(organization, project, ""))

    def shared(self, organization: str) -> Sequence[SecretDescription]:
        return self._described(_shared(organization), SecretItem.PREFIX)

    def has(self, organization: str, project: str, name: str, version: int) -> bool:
        try:
            self._versions(organization, project, name, version)
        except NotFound:
            return False
        return True

    def delete(self, organization: str, project: str, name: str) -> None:
        for _ in range(_WRITE_ATTEMPTS):
            current = self._get(organization, project, name)
            last = DeletedItem(*DeletedItem.key(organization, project, name), version=current.version)
            partition, prefix = VersionItem.key(organization, project, f"{name}#")
            try:
                with translated(f"secret {name}"):
                    # Afterwards nothing would show its last version's number, nor that earlier versions remain.
                    last.save()
                    for earlier in VersionItem.query(partition, VersionItem.sk.startswith(prefix)):
                        earlier.delete()
                    current.delete(_unchanged(current))
            except Conflict:
                continue
            return
        raise Transient(f"The secret {name} is being written by others. Try again.")

    def decrypt(self, organization: str, project: str, wanted: Mapping[str, int | None]) -> Mapping[str, Secret]:
        plain = {}
        for reference, version in wanted.items():
            if version is None:
                item = newest = self._find(organization, project, reference)
            else:
                item, newest = self._versions(organization, project, reference, version)
            if item is None:
                continue
            # A binding holds for versions from before it, too; and an old version keeps its own.
            bound_to = frozenset(one.environment for one in (item, newest) if one and one.environment)
            source = item.read_at()
            plain[reference] = Secret(
                value="" if source else self._decrypted(item, organization, project),
                version=int(item.version),
                bound_to=bound_to,
                source=source,
                owner=parse_reference(reference)[0],
            )
        return plain

    def _described(self, partition: str, prefix: str) -> Sequence[SecretDescription]:
        with translated("the list of secrets"):
            items = SecretItem.query(
                partition,
                SecretItem.sk.startswith(prefix),
                consistent_read=True,
                attributes_to_get=["name", "version", "updated_at", "environment", "source", "projects"],
            )
            return [item.description() for item in items]

    def _versions(
        self, organization: str, project: str, name: str, version: int
    ) -> tuple[SecretItem, SecretItem | None]:
        """Returns the wanted version and the newest one, if there is any. Raises NotFound."""
        found = self._find(organization, project, name)
        if found is not None and int(found.version) == version:
            return found, found
        partition, _ = SecretItem.key(organization, project, name)
        try:
            with translated(f"secret {name}"):
                return VersionItem.get(*VersionItem.key_in(partition, name, version), consistent_read=True), found
        except DoesNotExist:
            raise NotFound(
                f"Version {version} of the secret {_shown(name)} is no longer kept{_place(name, project)}."
            ) from None

    def _last_of_deleted(self, organization: str, project: str, name: str) -> int:
        try:
            with translated(f"secret {name}"):
                return int(DeletedItem.get(*DeletedItem.key(organization, project, name), consistent_read=True).version)
        except DoesNotExist:
            return 0

    def _find(self, organization: str, project: str, name: str) -> SecretItem | None:
        try:
            return self._get(organization, project, name)
        except NotFound:
            return None

    def _get(self, organization: str, project: str, name: str) -> SecretItem:
        try:
            with translated(f"secret {name}"):
                return SecretItem.get(*SecretItem.key(organization, project, name), consistent_read=True)
        except DoesNotExist:
            raise _missing(name, project) from None

    def _decrypted(self, item: SecretItem, organization: str, project: str) -> str:
        context = _context(organization, project, item.name, int(item.version))
        return decrypt_parts(self._cipher, item.parts, context).decode("utf-8")


def _context(organization: str, project: str, name: str, version: int) -> dict[str, str]:
    """Returns the context bound to the ciphertext, so that it can be moved to no other secret or version."""
    return {
        "organization": organization,
        # Of secrets that no project owns, the name has the owner.
        "project": project if parse_reference(name)[0] == OF_PROJECT else ALL_PROJECTS,
        "name": name,
        "version": str(version),
    }


def _environment(current: SecretItem | None, binding: Binding | None) -> str | None:
    if binding is not None:
        return binding.environment
    kept: str | None = current.environment if current else None
    return kept


def _unchanged(current: SecretItem | None) -> Condition:
    unchanged: Condition = SecretItem.version == current.version if current else SecretItem.pk.does_not_exist()
    return unchanged


def _missing(reference: str, project: str) -> NotFound:
    return NotFound(f"There is no secret {_shown(reference)}{_place(reference, project)}.")


def _shown(reference: str) -> str:
    return parse_reference(reference)[1]


def _place(reference: str, project: str) -> str:
    owner, _ = parse_reference(reference)
    return f" in project {project}" if owner == OF_PROJECT else f" of {owner.in_words}"


def _partition(organization: str, project: str, reference: str) -> str:
    owner, _ = parse_reference(reference)
    return f"PROJECT#{organization}#{project}" if owner == OF_PROJECT else _shared(organization)


def _shared(organization: str) -> str:
    """Returns the partition of all secrets that no project owns."""
    return f"SHAREDSECRETS#{organization}"
