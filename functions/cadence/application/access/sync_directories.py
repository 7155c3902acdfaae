"""Removes members who left their company's directory, and carries its groups over to the teams."""

import logging
from dataclasses import dataclass

from cadence.application.access.directory_ports import DirectoryReader, DirectoryServerStore
from cadence.application.access.directory_sign_in import followed
from cadence.application.access.manage_people import ManagePeople
from cadence.application.access.people_ports import PeopleStore
from cadence.application.access.ports import AuditTrail
from cadence.application.access.team_groups import carry_over
from cadence.application.shared.ports import Clock
from cadence.domain.access.access import ALL_PROJECTS
from cadence.domain.access.audit import AuditEntry, AuditKind
from cadence.domain.access.directory_server import DirectoryServer, is_plausible
from cadence.domain.access.people import Member
from cadence.domain.shared.errors import CadenceError, NotFound

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DirectorySync:
    """What one look at a directory has done: how many members were looked up, removed, and given other teams."""

    members: int
    removed: int
    moved: int


@dataclass(frozen=True, kw_only=True)
class SyncDirectories:
    """Looks at all directories."""

    directories: DirectoryServerStore
    reader: DirectoryReader
    people: PeopleStore
    manage: ManagePeople
    audit: AuditTrail
    clock: Clock

    def sync_all(self) -> int:
        """Looks at each directory, and returns how many could not be asked. One does not hold back the others."""
        failed = 0
        for server in self.directories.all_directories():
            try:
                done = self.sync(server)
            except CadenceError as error:
                failed += 1
                log.warning("directory %s of %s: %s", server.name, server.organization, error.message)
                self.directories.note_sync(server, self.clock(), error.message)
            else:
                self.directories.note_sync(server, self.clock(), "")
                log.info(
                    "directory %s of %s: %d members, %d removed, %d moved",
                    server.name,
                    server.organization,
                    done.members,
                    done.removed,
                    done.moved,
                )
        return failed

    def sync(self, server: DirectoryServer) -> DirectorySync:
        """Looks at one directory. Safe to repeat.

        Raises Transient if it cannot be asked, or if so many people are missing at once that it is taken for a
        mistake: then no one is removed.
        """
        known: dict[str, Member] = {}
        for member in self.people.list_members(server.organization):
            entry_id = server.entry_id(member.identity)
            if entry_id is not None:
                known[entry_id] = member
        if not known:
            return DirectorySync(0, 0, 0)
        teams = self.people.list_teams(server.organization)
        bind_password = self.directories.bind_password(server.organization, server.name)
        there = self.reader.people(server, bind_password, known.keys(), followed(teams, server))
        missing = [member for entry_id, member in known.items() if entry_id not in there]
        if not is_plausible(len(known), len(missing)):
            raise TooManyMissing(len(missing), len(known))
        for member in missing:
            self._remove(server, member)
        moved = 0
        for entry_id, person in there.items():
            before = known[entry_id]
            try:
                after = carry_over(self.people, before, person.groups, server.source, teams)
            except NotFound:
                continue  # It was removed meanwhile.
            moved += after.teams != before.teams
        return DirectorySync(len(known), len(missing), moved)

    def _remove(self, server: DirectoryServer, member: Member) -> None:
        self.audit.note(
            AuditEntry(
                organization=server.organization,
                project=ALL_PROJECTS,
                at=self.clock(),
                kind=AuditKind.CHANGE,
                actor=server.source,
                token_id="",
                token_name=server.source,
                action="remove_member",
                target=f"/v1/members/{member.member_id}",
            )
        )
        try:
            self.manage.remove_member(server.organization, member.member_id)
        except NotFound:
            return  # It was removed meanwhile.


class TooManyMissing(CadenceError):
    """So many people are missing in a directory that it is taken for a mistake."""

    code = "too_many_missing"

    def __init__(self, missing: int, known: int) -> None:
        super().__init__(
            f"{missing} of {known} members are not found. No one was removed: check the base, the filter and the rights "
            "of the reading account, or remove them with `cadence member delete`."
        )
