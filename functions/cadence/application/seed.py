"""What a new installation starts with, created once however often this is called."""

from contextlib import suppress
from dataclasses import dataclass

from cadence.application.access_ports import Directory, TokenStore
from cadence.application.authenticate import issue_token
from cadence.application.ports import Clock
from cadence.domain.access import ALL_PERMISSIONS, ALL_PROJECTS, Organization, Permission, Project
from cadence.domain.errors import Conflict, NotFound
from cadence.domain.pool import Pool

ORGANIZATION = "default"
PROJECT = "default"
LOCAL_POOL = "local"


@dataclass(frozen=True)
class Seeded:
    """The tokens' texts, which cannot be read again: whoever calls keeps them."""

    admin_token: str
    join_token: str


def seed(directory: Directory, tokens: TokenStore, clock: Clock, architectures: tuple[str, ...] = ("amd64",)) -> Seeded:
    """Makes sure of the organization and project `default` and the host pool `local`; issues a new admin and a new join token.

    The last call's tokens replace those of an earlier call, so that a lost one can be had again.
    """
    now = clock()
    with suppress(Conflict):
        directory.add_organization(Organization(ORGANIZATION, now))
    with suppress(Conflict):
        directory.add_project(Project(ORGANIZATION, PROJECT, now))
    try:
        directory.get_pool(ORGANIZATION, LOCAL_POOL)
    except NotFound:
        directory.put_pool(Pool(ORGANIZATION, LOCAL_POOL, "host", architectures=architectures))
    return Seeded(
        admin_token=_replace(tokens, clock, "admin", frozenset({ALL_PERMISSIONS})),
        join_token=_replace(tokens, clock, f"join {LOCAL_POOL}", frozenset({Permission.HOSTS_JOIN})),
    )


def _replace(tokens: TokenStore, clock: Clock, name: str, permissions: frozenset[str]) -> str:
    """The new token is stored before the old ones go, so that a crash leaves one too many, never none."""
    old = [token for token in tokens.list_tokens(ORGANIZATION) if token.name == name and token.created_by == "seed"]
    token, text = issue_token(ORGANIZATION, ALL_PROJECTS, name, permissions, "seed", clock())
    tokens.add_token(token)
    for replaced in old:
        tokens.delete_token(ORGANIZATION, replaced.token_id)
    return text
