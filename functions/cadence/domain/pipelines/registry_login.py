"""Logins with which the images of a private registry are read."""

from dataclasses import dataclass, field

TOKEN_USER = "token"  # noqa: S105 - a user's name
"""The user name sent with a token that stands alone: registries that issue tokens ignore it."""


@dataclass(frozen=True)
class RegistryLogin:
    """The user and the password for one registry."""

    user: str
    password: str = field(repr=False)


def registry_login(secret: str) -> RegistryLogin:
    """Parses the value of a project's secret: `user:password`, or a token alone.

    >>> registry_login("ada:lovelace").user, registry_login("t0k3n").user
    ('ada', 'token')
    """
    user, colon, password = secret.strip().partition(":")
    return RegistryLogin(user, password) if colon else RegistryLogin(TOKEN_USER, user)
