"""With what the images of a private registry are read."""

from dataclasses import dataclass, field

TOKEN_USER = "token"  # noqa: S105 - a user's name
"""Who a token alone is said to belong to: registries that give out tokens look at nothing else."""


@dataclass(frozen=True)
class RegistryLogin:
    user: str
    password: str = field(repr=False)


def registry_login(secret: str) -> RegistryLogin:
    """What a project's secret says: `user:password`, or a token alone.

    >>> registry_login("ada:lovelace").user, registry_login("t0k3n").user
    ('ada', 'token')
    """
    user, colon, password = secret.strip().partition(":")
    return RegistryLogin(user, password) if colon else RegistryLogin(TOKEN_USER, user)
