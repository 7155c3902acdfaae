"""Checks the approvers that an environment names, and turns e-mail addresses into the members that have them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from cadence.application.access.people_ports import PeopleStore
from cadence.application.access.ports import TokenStore
from cadence.domain.access.access import Principal
from cadence.domain.access.people import Member, Subject, SubjectKind
from cadence.domain.shared.errors import InvalidRequest, NotFound, Violation

_CODE = "unknown_approver"
_FORMS = "Write member:ID, the e-mail address of a member, team:NAME, service-account:NAME or the name of a token."


def subject_named(people: PeopleStore, by: Principal, text: str) -> Subject:
    """Returns the subject of a text: one in its own form, or the member with that e-mail address.

    Raises InvalidRequest for another text; NotFound for an address that no member or several have, or by a guest.
    """
    if "@" not in text:
        return Subject.parse(text)
    if by.is_guest:
        raise NotFound(f"Guests name members by their ids, not by addresses such as {text!r}.")
    found = _with_address(people.list_members(by.organization), text)
    if found is None:
        raise NotFound(f"There is no member with the address {text!r} here. `cadence member list` shows the members.")
    return found.subject


def _with_address(members: Sequence[Member], address: str) -> Member | None:
    found = [member for member in members if member.email.casefold() == address.casefold()]
    if len(found) > 1:
        ids = ", ".join(str(member.subject) for member in found)
        raise NotFound(f"Several members have the address {address!r}. Name one of them by its id: {ids}.")
    return found[0] if found else None


@dataclass(frozen=True, kw_only=True)
class ApproverNames:
    """Turns the approvers of a request into those that are stored."""

    people: PeopleStore
    tokens: TokenStore

    def resolve(self, by: Principal, names: Sequence[str]) -> tuple[str, ...]:
        """Returns the approvers, each once, members by their ids. Raises InvalidRequest that lists the unknown ones.

        Names in any other form are names of tokens, as environments have always had them, and are not looked up.
        """
        known = _Known(self.people, self.tokens, by)
        resolved: dict[str, None] = {}
        violations: list[Violation] = []
        for index, name in enumerate(names):
            try:
                resolved[known.stored(name)] = None
            except NotFound as error:
                violations.append(Violation(f"/approvals/approvers/{index}", error.message, _CODE))
        if violations:
            raise InvalidRequest(" ".join(one.message for one in violations), violations)
        return tuple(resolved)


@dataclass
class _Known:
    """Members, teams, accounts and tokens of the caller's organization, read when the first name needs them.

    A guest learns nothing about them: its teams, members and accounts are taken as they are written.
    """

    people: PeopleStore
    tokens: TokenStore
    by: Principal

    @cached_property
    def members(self) -> Sequence[Member]:
        return self.people.list_members(self.by.organization)

    @cached_property
    def token_names(self) -> frozenset[str]:
        tokens = self.tokens.list_tokens(self.by.organization)
        return frozenset(token.name for token in tokens if token.subject is None)

    def stored(self, name: str) -> str:
        """Returns how an approver is stored. Raises NotFound."""
        if Subject.matches(name):
            subject = Subject.parse(name)
            if subject.organization is None and not self.by.is_guest:
                self._check(subject)
            return name
        if "@" in name:
            return self._of_address(name)
        if name.startswith(tuple(f"{kind}:" for kind in SubjectKind)) and not self._is_token(name):
            raise NotFound(f"{name!r} is no approver. {_FORMS}")
        return name

    def _check(self, subject: Subject) -> None:
        if subject.kind is SubjectKind.MEMBER:
            self.people.get_member(self.by.organization, subject.name)
        elif subject.kind is SubjectKind.TEAM:
            self.people.get_team(self.by.organization, subject.name)
        else:
            self.people.get_service_account(self.by.organization, subject.name)

    def _of_address(self, address: str) -> str:
        if self.by.is_guest:
            raise NotFound(f"Guests name members by their ids, not by addresses such as {address!r}.")
        found = _with_address(self.members, address)
        if found is not None:
            return str(found.subject)
        if self._is_token(address):
            return address
        raise NotFound(f"There is no member with the address {address!r} here. {_FORMS}")

    def _is_token(self, name: str) -> bool:
        return not self.by.is_guest and name in self.token_names
