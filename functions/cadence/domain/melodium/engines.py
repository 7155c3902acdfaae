"""Which machines have the engine that a treatment needs."""

from collections.abc import Collection, Sequence

from cadence.domain.melodium.specification import EngineSpec, ProgramSpec

FACT = "melodium"
"""What machines call the version of the engine that they have, among their facts."""

IN_IMAGE = " in an image"
"""Behind the version where the engine is not on the machine itself: then it serves workers, which need nothing else of it."""

_ANY_PROGRAM = "*"
_PROGRAM = "program "


def needed(engine: EngineSpec | None) -> str | None:
    """What it needs, in a word that `able` knows; None for a treatment without an engine."""
    if engine is None:
        return None
    if isinstance(engine, ProgramSpec):
        return f"{_PROGRAM}{engine.version}" if engine.version else _ANY_PROGRAM
    return engine.version


def able(has: str | None) -> Collection[str]:
    """All that a machine with this engine can do, beside what needs none."""
    if has is None:
        return ()
    version = has.removesuffix(IN_IMAGE)
    return (version,) if version != has else (version, f"{_PROGRAM}{version}", _ANY_PROGRAM)


def lacking(pool: str, wanted: str | None, machines: Sequence[str | None]) -> str | None:
    """Why none of a pool's machines can do it; None if one can, or if there is no machine: one may join."""
    if wanted is None or not machines or any(wanted in able(has) for has in machines):
        return None
    version = "" if wanted == _ANY_PROGRAM else f" {wanted.removeprefix(_PROGRAM)}"
    there = sorted({has for has in machines if has is not None})
    others = f", only {', '.join(there)}" if there else ""
    return f"no machine of pool {pool} has the Mélodium engine{version}{others}"
