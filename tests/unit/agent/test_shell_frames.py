"""What travels between a terminal and a shell: frames in any pieces, sizes, and output without secrets."""

from __future__ import annotations

import pytest

from runner_bootstrap.agent.logs.masking import Masker
from runner_bootstrap.agent.shells import frames
from runner_bootstrap.agent.shells.frames import Frame, FrameReader, TerminalSize
from runner_bootstrap.agent.shells.terminal_masker import LONGEST_WAITING, TerminalMasker

SECRET = "correct-horse-battery"


def test_frames_are_found_in_any_pieces() -> None:
    sent = frames.encode(frames.INPUT, b"ls\n") + frames.encode(frames.ALIVE) + frames.encode(frames.OUTPUT, b"a" * 300)
    expected = [Frame(frames.INPUT, b"ls\n"), Frame(frames.ALIVE, b""), Frame(frames.OUTPUT, b"a" * 300)]
    for size in (1, 7, len(sent)):
        reader = FrameReader()
        found = [one for at in range(0, len(sent), size) for one in reader.feed(sent[at : at + size])]
        assert found == expected


def test_a_frame_that_is_too_long_is_refused_before_it_has_come() -> None:
    with pytest.raises(ValueError, match="too long"):
        FrameReader().feed(frames.encode(frames.INPUT, b"a" * (frames.LONGEST_CONTENT + 1))[:10])


def test_a_size_keeps_within_bounds_and_a_type_is_a_name() -> None:
    assert frames.decode_size(TerminalSize(31, 107).encode("xterm-256color")) == ((31, 107), "xterm-256color")
    assert frames.decode_size(TerminalSize(0, 1 << 20).encode("a b;$(c)")) == ((1, 9999), "abc")


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b'{"rows": [], "columns": 1, "terminal": ""}', b"\xff"],
    ids=["empty", "list", "no-fields", "no-number", "no-text"],
)
def test_what_is_no_size_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="a terminal's size has the fields"):
        frames.decode_size(content)


def test_a_secret_that_is_printed_in_pieces_is_masked() -> None:
    masker = TerminalMasker(Masker([SECRET]))
    assert masker.feed(f"key={SECRET[:5]}".encode()) == b""
    assert masker.feed(f"{SECRET[5:]}\r\n\xff".encode("latin-1")) == b""
    assert masker.due_in is not None
    assert masker.flush() == b"key=***\r\n\xff"
    assert masker.due_in is None


def test_much_output_does_not_wait_for_its_end() -> None:
    masker = TerminalMasker(Masker([SECRET]))
    shown = masker.feed(b"x" * LONGEST_WAITING + SECRET[:5].encode())
    assert len(shown) > LONGEST_WAITING // 2
    assert set(shown) == set(b"x")
    masker.feed(SECRET[5:].encode())
    assert masker.flush().endswith(b"x***")
