"""An access token goes to its own git host's address, for its own project, and nowhere else."""

from datetime import UTC, datetime
from typing import Any

import pytest

from cadence.application.shared.git_ports import GitCredentials
from cadence.application.triggers.git_tokens import GitTokens
from cadence.domain.triggers.githost import GitHost, GitHostKind


class World:
    """The git hosts of an organization, and a cipher that only turns texts round."""

    def list_githosts(self, organization: str) -> list[GitHost]:
        now = datetime(2026, 1, 1, tzinfo=UTC)
        return [
            GitHost(
                githost_id="0",
                kind=GitHostKind.GITEA,
                organization=organization,
                project="other",
                name="theirs",
                created_at=now,
                url="https://git.example.org",
            ),
            GitHost(
                githost_id="1",
                kind=GitHostKind.GITEA,
                organization=organization,
                project="web",
                name="without",
                created_at=now,
                url="https://git.example.org",
            ),
            GitHost(
                githost_id="2",
                kind=GitHostKind.GITEA,
                organization=organization,
                project="web",
                name="ours",
                created_at=now,
                url="https://git.example.org",
            ),
            GitHost(
                githost_id="3",
                kind=GitHostKind.GITEA,
                organization=organization,
                project="web",
                name="nowhere",
                created_at=now,
            ),
        ]

    def access_token(self, githost_id: str) -> bytes | None:
        return {"0": b"a", "2": b"nekot"}.get(githost_id)

    def decrypt(self, ciphertext: bytes, context: dict[str, str]) -> bytes:
        assert context == {"purpose": "git", "githost": "2"}
        return ciphertext[::-1]


@pytest.mark.parametrize("url", ["https://git.example.org/ci.git", "HTTPS://Git.Example.org/a/b"])
def test_repositories_of_the_host_are_read_with_its_token(url: str) -> None:
    world: Any = World()

    found = GitTokens(world, world).find("acme", "web", url)

    assert isinstance(found, GitCredentials)
    assert found.password == "token"


@pytest.mark.parametrize(
    "url",
    [
        "http://git.example.org/ci.git",
        "https://git.example.org.evil.test/ci.git",
        "https://git.example.org:8443/ci.git",
        "https://x@git.example.org/ci.git",
        "https://[",
        "",
    ],
)
def test_any_other_address_gets_none(url: str) -> None:
    world: Any = World()

    assert GitTokens(world, world).find("acme", "web", url) is None


def test_other_projects_get_none() -> None:
    world: Any = World()

    assert GitTokens(world, world).find("acme", "api", "https://git.example.org/ci.git") is None
