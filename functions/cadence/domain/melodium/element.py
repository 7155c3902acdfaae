"""A treatment of a Mélodium program, as one process ran it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class ElementSpec:
    """`treatment` is its name in its package (`std/flow::emit`), `host` the element that it is part of, if that is one.

    `generics` are types by name. `parameters` are JSON texts, since numbers may have more digits than readers of JSON keep.
    `delivered` counts, by input, the values that arrived; `sent`, by output, those that went out.
    """

    treatment: str
    track: int
    host: str | None = None
    designed: bool = False
    generics: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    delivered: Mapping[str, int] = field(default_factory=dict)
    sent: Mapping[str, int] = field(default_factory=dict)
