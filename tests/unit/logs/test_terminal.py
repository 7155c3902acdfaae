"""Lines and messages of others on the user's terminal."""

import io

import pytest
from rich.text import Text

from cadence.cli.shared.output import make_table
from cadence.cli.shared.terminal import HarmlessConsole, harmless

RED, RESET = "\x1b[31m", "\x1b[0m"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ü 漢", "plain ü 漢"),
        ("tab\tand\nline", "tab\tand\nline"),
        (f"{RED}red{RESET} plain", f"{RED}red{RESET} plain{RESET}"),
        (f"{RED}red", f"{RED}red{RESET}"),
        ("\x1b[38;5;196mindexed\x1b[48:2::1:2:3m", f"\x1b[38;5;196mindexed\x1b[48:2::1:2:3m{RESET}"),
        ("\x1b[2Jcleared\x1b[1;1H", "cleared"),
        ("\x1b]0;a title\x07text", "text"),
        ("\x1b]52;c;ZXZpbA==\x1b\\text", "text"),
        ("\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bP$q\x22p\x1b\\text", "text"),
        ("\x1b]0;never ended", "0;never ended"),
        ("\x1b[?1049h\x1b[?25l\x1b[6n\x1b[5i", ""),
        ("\x1bctext\x1b", "text"),
        ("\x1b(0text", "text"),
        ("a\x08b\x07c\x00d\re\x7f", "abcde"),
        ("\x9b2Jtext\x9d0;t", "2Jtext0;t"),
    ],
)  # fmt: skip
def test_only_colours_pass(text: str, shown: str) -> None:
    assert harmless(text) == shown


@pytest.mark.parametrize("terminal", [True, False])
def test_nothing_that_is_printed_reaches_the_terminal_unchanged(terminal: bool) -> None:
    written = io.StringIO()
    console = HarmlessConsole(file=written, force_terminal=terminal, highlight=False, soft_wrap=True, width=80)
    evil = "\x1b]0;title\x07\x1b[2Jtext"
    console.print(evil, markup=False)
    console.print(Text.assemble("head ", (evil, "red")))
    console.print(make_table(("A",), [(evil,), (Text(evil),)]))
    assert "\x07" not in written.getvalue()
    assert "\x1b]" not in written.getvalue()
    assert "\x1b[2J" not in written.getvalue()
    assert written.getvalue().count("text") == 4
