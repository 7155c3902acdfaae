"""Explains why a subject has a permission at a scope, or why not."""

from dataclasses import dataclass

from cadence.application.access.people_ports import PeopleStore, PolicyStore
from cadence.domain.access.decisions import AccessAllowed, AccessRefused, Right, decide
from cadence.domain.access.people import Subject, SubjectKind, holders
from cadence.domain.access.scopes import Scope


@dataclass(frozen=True)
class ExplainAccess:
    """Answers for any subject of an organization with the function that answers requests."""

    people: PeopleStore
    policies: PolicyStore

    def explain(
        self, organization: str, subject: Subject, permission: str, thing: Scope
    ) -> AccessAllowed | AccessRefused:
        """Returns the decision. Raises NotFound for an unknown subject."""
        return decide(self.rights(organization, subject), permission, thing)

    def rights(self, organization: str, subject: Subject) -> tuple[Right, ...]:
        """Returns everything that is granted to a subject and to its teams. Raises NotFound for an unknown subject."""
        policy = self.policies.get_policy(organization)
        if subject.organization is not None:
            return policy.rights([subject])
        teams: frozenset[str] = frozenset()
        if subject.kind is SubjectKind.MEMBER:
            teams = self.people.get_member(organization, subject.name).teams
        elif subject.kind is SubjectKind.TEAM:
            self.people.get_team(organization, subject.name)
        else:
            self.people.get_service_account(organization, subject.name)
        return policy.rights(holders(subject, organization, teams, organization))
