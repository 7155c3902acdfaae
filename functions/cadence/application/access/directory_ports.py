"""Ports over LDAP servers and what is stored of them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from cadence.domain.access.directory_server import DirectoryPerson, DirectoryServer


class DirectoryServerStore(Protocol):
    """The directories of organizations, with the passwords of the accounts that read them."""

    def put_directory(self, server: DirectoryServer, bind_password: str) -> None:
        """Creates or replaces a directory."""

    def get_directory(self, organization: str, name: str) -> DirectoryServer:
        """Returns a directory. Raises NotFound."""

    def bind_password(self, organization: str, name: str) -> str:
        """Returns the password of a directory's account. Raises NotFound."""

    def list_directories(self, organization: str) -> Sequence[DirectoryServer]:
        """Returns the directories of an organization, by name."""

    def all_directories(self) -> Sequence[DirectoryServer]:
        """Returns the directories of all organizations."""

    def note_sync(self, server: DirectoryServer, at: datetime, problem: str) -> None:
        """Notes a look at a directory: its time if there was no problem. Noting one of an absent one is no error."""

    def delete_directory(self, organization: str, name: str) -> None:
        """Deletes a directory. Deleting an absent one is no error."""


class DirectoryReader(Protocol):
    """Asks LDAP servers. Groups are distinguished names, compared as such; answers have them as they were asked for."""

    def sign_in(
        self, server: DirectoryServer, bind_password: str, user: str, password: str, groups: Collection[str]
    ) -> DirectoryPerson:
        """Returns the person whose name and password these are, with those of `groups` that it belongs to.

        Raises Unauthenticated, in the same words whatever is wrong with them, and Transient if the server cannot be
        asked.
        """

    def people(
        self, server: DirectoryServer, bind_password: str, entry_ids: Collection[str], groups: Collection[str]
    ) -> Mapping[str, DirectoryPerson]:
        """Returns those of the people that are in the directory and active, by the ids of their entries.

        Raises Transient if the server cannot be asked, or not about all of them.
        """


class SignInAttempts(Protocol):
    """Counts attempts to sign in."""

    def add(self, key: str, within: timedelta) -> int:
        """Counts an attempt, and returns how many there were of this key within a time."""

    def take_back(self, key: str, within: timedelta) -> None:
        """Takes back an attempt that succeeded."""
