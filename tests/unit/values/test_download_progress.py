"""`cadence value download` shows its progress on a terminal, and only there."""

import io

import pytest
from rich.console import Console

from cadence.cli.shared import transfers

PIECES = [b"a" * 1024, b"b" * 1024]


def shown(monkeypatch: pytest.MonkeyPatch, terminal: bool) -> str:
    """What standard error shows after the transfer; the pieces arrive unchanged."""
    written = io.StringIO()
    monkeypatch.setattr(transfers, "err", Console(file=written, force_terminal=terminal, width=120, color_system=None))
    assert list(transfers.with_progress(PIECES, 2048, "build.[wheel]")) == PIECES
    return written.getvalue()


def test_a_terminal_shows_name_and_size(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(monkeypatch, terminal=True)

    assert "build.[wheel]" in text
    assert "2.0/2.0 KiB" in text


def test_a_file_or_pipe_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, terminal=False) == ""
