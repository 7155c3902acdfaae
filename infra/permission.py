"""A permission of a Lambda: a list of actions, and the words for what they act on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infra.resources import Resources

Target = Callable[["Resources"], str]


@dataclass(frozen=True)
class Permission:
    """``actions`` allowed on ``targets`` (each an ARN, once the deployment's names are known)."""

    actions: tuple[str, ...]
    targets: tuple[Target, ...]


def everything(_: "Resources") -> str:
    """For actions that know no resource."""
    return "*"
