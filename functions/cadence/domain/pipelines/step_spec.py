"""Named steps of a treatment, as admitted."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class StepSpec:
    """A named part of a treatment's work with a script of its own.

    Steps are run one after the other; after one that fails, only those with `always` or `on_failure` are, and before it
    none with `on_failure`. A step with `soft_fail` may fail without that. `skip`: its condition is false in this run.
    """

    name: str
    run: str
    shell: str
    env: Mapping[str, str] = field(default_factory=dict)
    always: bool = False
    on_failure: bool = False
    soft_fail: bool = False
    skip: bool = False
