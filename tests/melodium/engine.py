"""The real Mélodium engine, for tests: they are skipped where it is not built."""

import os
import shutil
from pathlib import Path

import pytest

VERSION = "0.10.2"
PROGRAMS = Path(__file__).parent / "programs"
_BUILT = Path.home() / ".cache/cadence-peers" / f"melodium-{VERSION}" / "bin/melodium"


def binary() -> Path:
    """Skips the test if it is not there."""
    found = os.environ.get("CADENCE_MELODIUM") or (str(_BUILT) if _BUILT.exists() else shutil.which("melodium"))
    if not found:
        pytest.skip("the Mélodium engine is not built: .ci/peers melodium builds it")
    return Path(found)
