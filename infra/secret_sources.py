"""Which secrets of AWS Secrets Manager and SSM Parameter Store a deployment may read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from constructs import Node

# Each ends with a slash: `cadence` would be a prefix of `cadence-root-password`, too.
_SECRETS_MANAGER = re.compile(r"([A-Za-z0-9_+=.@-]{1,100}/){1,5}")
_PARAMETER_STORE = re.compile(r"/([A-Za-z0-9_.-]{1,100}/){1,5}")


@dataclass(frozen=True)
class SecretSources:
    """How names begin that the deployment may read, each with a slash at its end; empty: none.

    Below a prefix follow the organization and the project that a name is for.
    """

    secrets_manager_prefix: str
    parameter_store_prefix: str

    def settings(self) -> Mapping[str, str]:
        """Returns the settings of Lambdas, by the names of their fields."""
        return {
            "secrets_manager_prefix": self.secrets_manager_prefix,
            "parameter_store_prefix": self.parameter_store_prefix,
        }


def read_secret_sources(node: "Node", *, is_local: bool) -> SecretSources:
    """Reads the prefixes from the context of the app. Raises ``ValueError``, which names the key that is wrong."""
    return SecretSources(
        _prefix(node, "secrets_manager_prefix", "cadence/" if is_local else "", _SECRETS_MANAGER, "cadence/"),
        _prefix(node, "parameter_store_prefix", "/cadence/" if is_local else "", _PARAMETER_STORE, "/cadence/"),
    )


def _prefix(node: "Node", key: str, default: str, allowed: re.Pattern[str], example: str) -> str:
    given = node.try_get_context(key)
    prefix = default if given is None else str(given)
    if prefix and not allowed.fullmatch(prefix):
        raise ValueError(f"context {key!r} is {given!r}: write how names begin, with a slash at the end ({example})")
    return prefix
