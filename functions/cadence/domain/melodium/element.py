"""Treatments within a Mélodium program, as run by one process."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class ElementSpec:
    """A treatment within a process of a Mélodium program.

    `treatment` is its name in its package (`std/flow::emit`), `host` the element that it is part of, if any. `generics`
    are types by name. `parameters` are JSON texts, since numbers may have more digits than JSON readers keep.
    `delivered` counts the received values by input, `sent` the sent values by output, `unreported` those of them whose
    content its engine did not report, and `unreported_inputs` those of each input's source. `secrets` has a line for
    each use of a secret.
    """

    treatment: str
    track: int
    host: str | None = None
    designed: bool = False
    generics: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    delivered: Mapping[str, int] = field(default_factory=dict)
    sent: Mapping[str, int] = field(default_factory=dict)
    unreported: Mapping[str, int] = field(default_factory=dict)
    unreported_inputs: Mapping[str, int] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()


def unreported_words(count: int) -> str:
    """Says that an engine counted `count` values and did not report them, and how to get them."""
    values = "1 value" if count == 1 else f"{count} values"
    return (
        f"{values}, which the engine did not report: start it with --debug-level detailed, "
        "or in a pool that captures full values"
    )
