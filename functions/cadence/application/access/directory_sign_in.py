"""Signs people in with the name and password that they have in their company's directory."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from cadence.application.access.directory_ports import DirectoryReader, DirectoryServerStore, SignInAttempts
from cadence.application.access.manage_people import ManagePeople
from cadence.application.access.people_ports import PeopleStore
from cadence.application.access.ports import AuditTrail
from cadence.application.access.sign_in import SIGNED_IN_FOR, FirstSignIn, SignedIn
from cadence.application.access.sign_in_records import SignInRecords
from cadence.application.access.team_groups import carry_over, follows
from cadence.application.shared.ports import Clock
from cadence.domain.access.directory_server import DirectoryPerson, DirectoryServer, may_be_a_user
from cadence.domain.access.people import Member, Team
from cadence.domain.shared.errors import NotFound, QuotaExceeded, Unauthenticated

REFUSED = "The name or the password is wrong, or the account may not sign in here."
_WITHIN = timedelta(minutes=15)
# Failures within this time: of a name from one address, of all names from one address (which a company may share), and
# of a name from everywhere.
_MOST_HERE, _MOST_FROM_ADDRESS, _MOST_OF_NAME = 10, 300, 50


@dataclass(frozen=True, kw_only=True)
class DirectorySignIn:
    """Signs members in."""

    directories: DirectoryServerStore
    reader: DirectoryReader
    people: PeopleStore
    first: FirstSignIn
    manage: ManagePeople
    attempts: SignInAttempts
    audit: AuditTrail
    clock: Clock

    def sign_in(self, organization: str, directory: str, user: str, password: str, source: str) -> SignedIn:
        """Returns the member with a new token, after the groups of the directory were carried over to the teams.

        Everyone whom the directory's settings find becomes a member at the first sign-in. Raises NotFound for an
        unknown directory, Unauthenticated, QuotaExceeded after too many failures, Transient.
        """
        server = self.directories.get_directory(organization, directory)
        keys = self._count(server, user, source)
        teams = self.people.list_teams(organization)
        records = self._records(server, source)
        with records.noting_refusals():
            person = self._person(server, user, password, followed(teams, server))
        try:
            member = carry_over(self.people, self._member(server, person), person.groups, server.source, teams)
        except NotFound:
            raise Unauthenticated("The member was removed meanwhile.") from None
        for key in keys:
            self.attempts.take_back(key, _WITHIN)
        actor = str(member.subject)
        token, text = self.manage.issue(organization, member.subject, "sign-in", actor, SIGNED_IN_FOR)
        records.accepted(actor, token.token_id)
        return SignedIn(member, text, int(SIGNED_IN_FOR.total_seconds()))

    def _person(self, server: DirectoryServer, user: str, password: str, groups: frozenset[str]) -> DirectoryPerson:
        if not may_be_a_user(user, password):
            raise Unauthenticated(REFUSED)
        bind_password = self.directories.bind_password(server.organization, server.name)
        return self.reader.sign_in(server, bind_password, user, password, groups)

    def _count(self, server: DirectoryServer, user: str, source: str) -> list[str]:
        """Counts the attempt, until it has succeeded, and returns its keys. Raises QuotaExceeded."""
        place = f"{server.organization}|{server.name}"
        name = user[:1_000].casefold()
        limits = {
            f"{place}|{source}|{name}": _MOST_HERE,
            f"{place}|{source}|": _MOST_FROM_ADDRESS,
            f"{place}||{name}": _MOST_OF_NAME,
        }
        for key, most in limits.items():
            if self.attempts.add(key, _WITHIN) > most:
                raise QuotaExceeded("There were too many failed attempts. Try again in 15 minutes.")
        return list(limits)

    def _member(self, server: DirectoryServer, person: DirectoryPerson) -> Member:
        identity = server.identity(person.entry_id)
        members = self.people.list_members(server.organization)
        known = next((member for member in members if member.identity == identity), None)
        if known is not None:
            return known
        # Not the member with the same address: in many directories people write their own.
        return self.first.join(server.organization, identity, person.name, person.email)

    def _records(self, server: DirectoryServer, source: str) -> SignInRecords:
        return SignInRecords(
            audit=self.audit,
            clock=self.clock,
            organization=server.organization,
            action="directory_sign_in",
            name=server.source,
            target=f"/v1/directories/{server.name}",
            source=source,
        )


def followed(teams: Collection[Team], server: DirectoryServer) -> frozenset[str]:
    """Returns the groups of a directory that teams follow."""
    return frozenset(team.group for team in teams if team.group is not None and follows(team, server.source))
