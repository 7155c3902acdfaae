"""Which machines have the engine that a treatment needs."""

from collections.abc import Sequence

from cadence.domain.melodium.specification import EngineSpec, ProgramSpec

ANY = "*"
"""Stands for whatever version there is."""

FACT = "melodium"
"""What machines call the version of the engine that they have, among their facts."""


def needed(engine: EngineSpec | None) -> str | None:
    """The version, or `ANY`; None for a treatment without an engine."""
    if engine is None:
        return None
    return (engine.version or ANY) if isinstance(engine, ProgramSpec) else engine.version


def serves(has: str | None, wanted: str | None) -> bool:
    """Whether a machine with this engine (None: it has none) can do what needs that one."""
    return wanted is None or (has is not None and wanted in (has, ANY))


def lacking(pool: str, wanted: str | None, machines: Sequence[str | None]) -> str | None:
    """Why none of a pool's machines can do it; None if one can, or if there is no machine: one may join."""
    if not machines or any(serves(has, wanted) for has in machines):
        return None
    version = "" if wanted == ANY else f" {wanted}"
    there = sorted({has for has in machines if has is not None})
    others = f", only {', '.join(there)}" if there else ""
    return f"no machine of pool {pool} has the Mélodium engine{version}{others}"
