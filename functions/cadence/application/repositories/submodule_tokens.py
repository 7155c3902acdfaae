"""Finds the credentials with which the submodules of a repository are read."""

from dataclasses import dataclass

from cadence.application.repositories.ports import RepositoryStore
from cadence.application.repositories.repository_secrets import OpenRepository
from cadence.application.shared.git_ports import GitCredentials
from cadence.domain.repositories.repository import Repository


@dataclass(frozen=True)
class SubmoduleTokens:
    """A submodule is read with the token of its own repository, if that is connected to the same project.

    The token of the repository that names it is never used: who may write to that one could name any other that the
    token reads.
    """

    repositories: RepositoryStore
    open_repository: OpenRepository

    def credentials(self, repository: Repository, url: str) -> GitCredentials | None:
        """Returns the credentials for the submodule at `url` of a repository; None if its repository is not connected.

        Raises like `OpenRepository.credentials`.
        """
        plain = url.removesuffix("/").removesuffix(".git")
        found = self.repositories.find_repository(repository.organization, repository.project, plain)
        return None if found is None else self.open_repository.credentials(found)
