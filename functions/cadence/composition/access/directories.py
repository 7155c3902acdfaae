"""Wiring of the Lambda `directories`, the one that asks LDAP servers."""

from dataclasses import dataclass

from cadence.adapters.dynamodb.access.access_store import DynamoAccessStore
from cadence.adapters.dynamodb.access.audit import DynamoAuditTrail
from cadence.adapters.dynamodb.access.directory_servers import DynamoDirectoryServers, DynamoSignInAttempts
from cadence.adapters.dynamodb.access.people_store import DynamoPeopleStore
from cadence.adapters.http.egress_policy import EgressPolicy
from cadence.adapters.kms.cipher import KmsCipher
from cadence.adapters.ldap.ldap_directory import LdapDirectory
from cadence.application.access.directory_sign_in import DirectorySignIn
from cadence.application.access.sign_in import FirstSignIn
from cadence.application.access.sync_directories import SyncDirectories
from cadence.composition.access.members import manage_people
from cadence.composition.shared import settings
from cadence.composition.shared.clock import now


@dataclass(frozen=True)
class Directories:
    """What the Lambda does: signs in, and looks who has left."""

    sign_in: DirectorySignIn
    sync: SyncDirectories


def directories() -> Directories:
    config = settings.load(settings.DirectoriesSettings)
    access, people = DynamoAccessStore(config.access_table), DynamoPeopleStore(config.access_table)
    servers = DynamoDirectoryServers(config.access_table, KmsCipher(config.secrets_key))
    reader = LdapDirectory(EgressPolicy.of(config.directory_hosts, "directories"), now)
    manage = manage_people(config.access_table, access, people)
    audit = DynamoAuditTrail(config.access_table)
    return Directories(
        DirectorySignIn(
            directories=servers,
            reader=reader,
            people=people,
            first=FirstSignIn(people=people, seen=access, clock=now),
            manage=manage,
            attempts=DynamoSignInAttempts(config.access_table, now),
            audit=audit,
            clock=now,
        ),
        SyncDirectories(directories=servers, reader=reader, people=people, manage=manage, audit=audit, clock=now),
    )
