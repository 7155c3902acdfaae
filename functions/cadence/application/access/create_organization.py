"""Creates organizations, for the operator of the installation."""

from dataclasses import dataclass

from cadence.application.access.authenticate import issue_token
from cadence.application.access.ports import Directory, TokenStore
from cadence.application.shared.ports import Clock
from cadence.domain.access.access import ALL_PERMISSIONS, ALL_PROJECTS, Organization, Principal
from cadence.domain.shared.errors import Conflict


@dataclass(frozen=True)
class CreateOrganization:
    """Creates organizations."""

    directory: Directory
    tokens: TokenStore
    clock: Clock

    def create(self, by: Principal, name: str, display_name: str = "") -> tuple[Organization, str]:
        """Returns the organization, and the text of a token for everything in it.

        Raises Conflict if it exists, or has existed.
        """
        now = self.clock()
        token, text = issue_token(name, ALL_PROJECTS, "owner", frozenset({ALL_PERMISSIONS}), by.author, now)
        # The token comes first: without it, an organization would be closed for good. A token that is left over after
        # a crash is known to no one.
        self.tokens.add_token(token)
        organization = Organization(name, now, display_name)
        try:
            self.directory.add_organization(organization)
        except Conflict:
            self.tokens.delete_token(name, token.token_id)
            raise
        return organization, text
