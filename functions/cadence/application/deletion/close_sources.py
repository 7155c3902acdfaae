"""Removes what starts runs of a project and what lets somebody act in it, and ends its runs."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from cadence.application.access.manage_roles import ManageRoles
from cadence.application.access.people_ports import PeopleStore
from cadence.application.access.ports import TokenStore
from cadence.application.deletion.ports import GITHOST, REPOSITORY, TOKEN, DeletionNotes, ProjectSources
from cadence.application.limits.run_gates import RunGates
from cadence.application.pipelines.ports import PipelineStore, Schedules
from cadence.application.repositories.connect import ConnectRepository
from cadence.application.shared.run_ports import RunStore
from cadence.application.triggers.ports import GitHostStore
from cadence.domain.access.scopes import Scope
from cadence.domain.runs.run import Run
from cadence.domain.shared.errors import Conflict, NotFound

_RUNS_AT_ONCE = 200


@dataclass(frozen=True, kw_only=True)
class CloseSources(ProjectSources):
    """Implements ProjectSources over the stores of each kind of source."""

    notes: DeletionNotes
    tokens: TokenStore
    githosts: GitHostStore
    pipelines: PipelineStore
    schedules: Schedules
    repositories: ConnectRepository
    people: PeopleStore
    roles: ManageRoles
    runs: RunStore
    gates: RunGates

    def close(self, organization: str, project: str) -> tuple[Mapping[str, int], Sequence[str]]:
        counts: Counter[str] = Counter()
        counts["tokens"] = self._revoke_tokens(organization, project)
        counts["git hosts"] = self._remove_githosts(organization, project)
        for version in self.pipelines.list_newest(organization, project):
            for entry in version.triggers.schedule:
                self.schedules.remove(organization, project, version.name, entry.digest)
        disconnected, remains = self._disconnect(organization, project)
        counts["repositories"] = disconnected
        counts["invitations"] = self._withdraw_invitations(organization, project)
        counts["grants"] = self._revoke_grants(organization, project)
        return dict(+counts), remains

    def end_runs(self, organization: str, project: str, cause: str) -> int:
        unfinished = 0
        for run in self._runs(organization, project):
            # A run that is recorded for an engine elsewhere ends there, and its token is gone.
            if run.state.final or run.recorded:
                continue
            unfinished += 1
            with suppress(Conflict, NotFound):  # it has ended at this moment
                self.gates.cancel(run.run_id, cause)
        return unfinished

    def _revoke_tokens(self, organization: str, project: str) -> int:
        theirs = [token.token_id for token in self.tokens.list_tokens(organization) if token.project == project]
        self.notes.note(organization, project, TOKEN, theirs)
        for token_id in theirs:
            self.tokens.delete_token(organization, token_id)
        return len(theirs)

    def _remove_githosts(self, organization: str, project: str) -> int:
        theirs = [host.githost_id for host in self.githosts.list_githosts(organization) if host.project == project]
        self.notes.note(organization, project, GITHOST, theirs)
        for githost_id in theirs:
            self.githosts.delete_githost(organization, githost_id)
        return len(theirs)

    def _disconnect(self, organization: str, project: str) -> tuple[int, Sequence[str]]:
        store = self.repositories.repositories
        theirs = [one for one in store.list_repositories(organization) if one.project == project]
        self.notes.note(organization, project, REPOSITORY, [one.repository_id for one in theirs])
        remains = []
        for repository in theirs:
            reason = self.repositories.disconnect(repository, force=True)
            if reason is not None:
                remains.append(f"The webhook of {repository.url} may still be there: remove it there. {reason}")
        return len(theirs), remains

    def _withdraw_invitations(self, organization: str, project: str) -> int:
        theirs = [one for one in self.people.list_invitations(organization) if _within(one.scope, project)]
        for invitation in theirs:
            with suppress(NotFound):  # it was accepted at this moment: its grant goes with the others
                self.people.take_invitation(organization, invitation.invitation_id)
        return len(theirs)

    def _revoke_grants(self, organization: str, project: str) -> int:
        before = self.roles.change(
            organization, lambda policy: policy.without(lambda grant: _within(grant.scope, project))
        )
        return sum(_within(grant.scope, project) for grant in before.grants)

    def _runs(self, organization: str, project: str) -> Iterator[Run]:
        after = None
        while True:
            page = self.runs.list_runs(organization, project, _RUNS_AT_ONCE, after)
            yield from page.items
            if page.after is None:
                return
            after = page.after


def _within(scope: Scope | None, project: str) -> bool:
    return scope is not None and scope.project == project
