"""A permission of a Lambda: a list of actions, and the words for what they act on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infra.resources import Resources

Target = Callable[["Resources"], str]


@dataclass(frozen=True)
class Permission:
    """``actions`` allowed on ``targets`` (each an ARN, once the deployment's names are known).

    ``tagged`` narrows it to what has tags: a condition key (``aws:ResourceTag/…``) → the tag's value in a deployment.
    """

    actions: tuple[str, ...]
    targets: tuple[Target, ...]
    tagged: Mapping[str, Target] = field(default_factory=dict)


def everything(_: "Resources") -> str:
    """For actions that know no resource."""
    return "*"
