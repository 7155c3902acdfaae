"""Runs the entrypoint of a dump in a separate engine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..shared.engine_release import release_of
from ..shared.errors import TreatmentFailed
from ..shared.loopback import LOOPBACK, without_proxy
from . import engine_process
from .distribution import DistributionError
from .engine_treatment import EngineTreatment, TreatmentBinding
from .engine_values import ValueFault


def run_treatment(
    binary: str,
    env: dict[str, str],
    program: dict[str, Any],
    parameters: dict[str, Any],
    binding: TreatmentBinding,
    arguments: list[str],
    on_event: Any = lambda _: None,
) -> list[str]:
    """Runs the entrypoint of a dump in a separate engine; returns the errors that it logged. Raises TreatmentFailed."""
    release = release_of(engine_process.version_of(binary))
    engine, port, keys = engine_process.listen(binary, {**os.environ, **env}, release, arguments)
    try:
        session = engine_process.connect(engine, port, release)
        try:
            session.ask(keys)
            session.launch(program["collection"], program["entrypoint"], parameters)
            EngineTreatment(session, binding, on_event).run()
            session.drain()
        finally:
            session.close()
    except DistributionError as error:
        engine.settle()
        raise TreatmentFailed(f"the engine could not run the treatment: {error}{engine.last_words()}") from error
    except (ValueFault, OSError) as error:
        engine.kill()
        raise TreatmentFailed(str(error)) from error
    return engine.wait(engine_process.PATIENCE).errors


def engine_environment(folder: Path) -> dict[str, str]:
    """Returns the environment of an engine that works in ``folder``."""
    home = folder / "melodium"
    home.mkdir(exist_ok=True)
    return {
        "HOME": str(home),
        "MELODIUM_HOME": str(home),
        "NO_COLOR": "1",
        **without_proxy(LOOPBACK),
        "MELODIUM_GROUP_ID": os.environ.get("MELODIUM_GROUP_ID") or "00000000-0000-4000-8000-000000000000",
        # A slow consumer must not be taken for a dead connection.
        "MELODIUM_DIST_PROTOCOL_TIMEOUT_SECS": "31536000",
    }
