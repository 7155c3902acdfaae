"""What an engine may report from this machine, as its pool's value policy permits."""

from __future__ import annotations

from ..shared.engine_release import EngineRelease
from ..shared.errors import AgentError


def require_permitted(release: EngineRelease, captured: str) -> None:
    """Raises AgentError if engines of this release report values although the pool captures none (``captured``)."""
    if captured != "full" and not release.has_debug_levels:
        raise AgentError(
            f"the Mélodium engine {release.version} reports every value, and this pool captures "
            f"{'digests only' if captured == 'digest' else 'no values'}: use the engine 0.11.0 or newer"
        )
