"""Matches treatments with the machines that have the engine they need."""

from collections.abc import Collection, Sequence

from cadence.domain.melodium.specification import EngineSpec, ProgramSpec

FACT = "melodium"
"""The name of the fact in which a machine reports the version of its engine."""

IN_IMAGE = " in an image"
"""The suffix of a version if the engine is in an image, not on the machine itself: it then serves workers only."""

SEPARATOR = ", "
"""Between the versions of a machine with several engines."""

_ANY_PROGRAM = "*"
_PROGRAM = "program "


def needed(engine: EngineSpec | None) -> str | None:
    """Returns the capability that an engine requires, one of those of `able`; None for no engine."""
    if engine is None:
        return None
    if isinstance(engine, ProgramSpec):
        return f"{_PROGRAM}{engine.version}" if engine.version else _ANY_PROGRAM
    return engine.version


def able(has: str | None) -> Collection[str]:
    """Returns the capabilities of a machine with these engines; None is a machine without one.

    A worker needs the very version of the engine that asks for it; a program a version, or one of a series (`0.11`).
    """
    capabilities: dict[str, None] = {}
    for engine in has.split(SEPARATOR) if has else ():
        version = engine.removesuffix(IN_IMAGE)
        capabilities[version] = None
        if version == engine:
            series = ".".join(version.split(".")[:2])
            capabilities |= dict.fromkeys((f"{_PROGRAM}{version}", f"{_PROGRAM}{series}", _ANY_PROGRAM))
    return tuple(capabilities)


def lacking(pool: str, wanted: str | None, machines: Sequence[str | None]) -> str | None:
    """Returns the reason why none of a pool's machines has the capability `wanted`.

    None if one has it, or if the pool has no machine: one may join.
    """
    if wanted is None or not machines or any(wanted in able(has) for has in machines):
        return None
    versions = sorted({engine for has in machines if has is not None for engine in has.split(SEPARATOR)})
    others = f", only {', '.join(versions)}" if versions else ""
    return f"no machine of pool {pool} has {in_words(wanted)}{others}"


def in_words(wanted: str) -> str:
    """Returns the engine that has the capability `wanted`, for messages."""
    return "the Mélodium engine" + ("" if wanted == _ANY_PROGRAM else f" {wanted.removeprefix(_PROGRAM)}")
