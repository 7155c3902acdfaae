"""What a reader of the dashboard waits for."""

from bench.dashboard.on_screen import measure

__all__ = ["measure"]
