"""Compares what two runs gave to a treatment, and what it sent."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property

from cadence.domain.pipelines.specification import InputSpec, TreatmentSpec
from cadence.domain.replay.verdict import OutputDigest
from cadence.domain.runs.run import Treatment, Value

# Compared as ports, or without an effect on what a treatment computes.
_NOT_DEFINING = frozenset(
    {"name", "inputs", "outputs", "after", "when_over", "group", "instances", "instance", "never"}
    | {"priority", "secret_versions", "element"}
)


@dataclass(frozen=True, kw_only=True)
class RunSide:
    """One of the two runs.

    `specs` may lack treatments whose results are the same in both. `variables` are the run's parameters and event as
    scripts read them (`cadence.domain.runs.run_variables`).
    """

    specs: Mapping[str, TreatmentSpec]
    treatments: Mapping[str, Treatment]
    values: Mapping[tuple[str, str], Value]
    variables: Mapping[str, str] = field(default_factory=dict)

    def sent(self, treatment: str) -> Mapping[str, OutputDigest]:
        """Returns what a treatment sent, by port."""
        return {port: _digest(value) for port, value in self._sent.get(treatment, {}).items()}

    def read(self, port: InputSpec) -> OutputDigest | None:
        """Returns what an input read; None for nothing."""
        if port.stored is not None:
            return OutputDigest(port.stored.sha256, port.stored.size)
        if port.literal is not None:
            literal = port.literal.encode("utf-8", "surrogatepass")
            return OutputDigest(hashlib.sha256(literal).hexdigest(), len(literal))
        value = self.values.get((port.source_treatment or "", port.source_port or ""))
        return _digest(value) if value else None

    @cached_property
    def _sent(self) -> Mapping[str, Mapping[str, Value]]:
        found: dict[str, dict[str, Value]] = {}
        for (treatment, port), value in sorted(self.values.items(), key=lambda item: item[0]):
            found.setdefault(treatment, {})[port] = value
        return found


@dataclass(frozen=True, kw_only=True)
class PortDiff:
    """A port whose content differs, or that cannot be compared (not `known`) since a pool lets no digest stay.

    The digest is empty where none stays. The sources of an input are `treatment.port`.
    """

    port: str
    then: OutputDigest | None
    now: OutputDigest | None
    then_source: str | None = None
    now_source: str | None = None

    @property
    def known(self) -> bool:
        """Whether it is certain that the content differs."""
        if self.then is None or self.now is None or self.then.size != self.now.size:
            return True
        return bool(self.then.sha256 and self.now.sha256)


def input_diffs(then: RunSide, now: RunSide, old: TreatmentSpec, new: TreatmentSpec) -> tuple[PortDiff, ...]:
    """Returns the inputs that differ, by name. Inputs that carry no value are left to those that decide on them."""
    before, after = ({port.port: port for port in spec.inputs} for spec in (old, new))
    found = []
    for name in sorted(before.keys() | after.keys()):
        left, right = before.get(name), after.get(name)
        found.append(
            PortDiff(
                port=name,
                then=then.read(left) if left else None,
                now=now.read(right) if right else None,
                then_source=_source(left),
                now_source=_source(right),
            )
        )
    return tuple(port for port in found if not _is_equal(port.then, port.now))


def output_diffs(then: RunSide, now: RunSide, name: str) -> tuple[PortDiff, ...]:
    """Returns the outputs of a treatment that differ or cannot be compared, by name."""
    before, after = then.sent(name), now.sent(name)
    found = [
        PortDiff(port=port, then=before.get(port), now=after.get(port)) for port in sorted(before.keys() | after.keys())
    ]
    return tuple(port for port in found if not _is_equal(port.then, port.now))


def _is_equal(then: OutputDigest | None, now: OutputDigest | None) -> bool:
    return then == now and (then is None or bool(then.sha256))


def definition_diffs(old: TreatmentSpec, new: TreatmentSpec) -> tuple[str, ...]:
    """Returns the names of what differs in two specifications and may change what the treatment does."""
    names = [one.name for one in fields(TreatmentSpec) if one.name not in _NOT_DEFINING]
    differing = [name for name in names if getattr(old, name) != getattr(new, name)]
    for ports in ("inputs", "outputs"):
        shapes = [
            {(port.port, port.flow, port.type, port.path) for port in getattr(spec, ports)} for spec in (old, new)
        ]
        differing += [ports] if shapes[0] != shapes[1] else []
    return tuple(sorted(differing))


def _digest(value: Value) -> OutputDigest:
    return OutputDigest(value.digest or "", value.size)


def _source(port: InputSpec | None) -> str | None:
    return f"{port.source_treatment}.{port.source_port}" if port and port.source_treatment else None
