"""Reads the arguments that several commands take: pairs, durations and secrets."""

import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import typer

from cadence.cli.shared.errors import FAILED, WRONG_USE, fail

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_MOST_DIGITS = 6


def name_value_pairs(option: str, texts: Iterable[str] | None, form: str = "NAME=VALUE") -> dict[str, str]:
    """The values of a repeated `option` by name. Ends the command if a text is not of the given form."""
    return dict(name_value_pair(option, text, form) for text in texts or ())


def name_value_pair(option: str, text: str, form: str = "NAME=VALUE") -> tuple[str, str]:
    """The two sides of NAME=VALUE. Ends the command if the name is missing."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise fail(f"{option} takes {form}, not {text!r}.", WRONG_USE)
    return name, value


def seconds_of(option: str, text: str) -> int:
    """The seconds in a duration such as 90m, 12h or 7d. Ends the command if `text` is none, or is zero."""
    number, unit = text[:-1], text[-1:]
    if not (number.isdecimal() and len(number) <= _MOST_DIGITS and int(number) and unit in _UNITS):
        raise fail(f"{option} takes a duration such as 30s, 90m, 12h or 7d, not {text!r}.", WRONG_USE)
    return int(number) * _UNITS[unit]


def time_of(option: str, text: str) -> str:
    """The time that the API expects, with its zone: that of this machine if `text` names none.

    An age such as `6h` becomes the time that long ago. Ends the command if `text` is neither.
    """
    amount, unit = text[:-1], text[-1:]
    try:
        if amount.isdecimal() and len(amount) <= _MOST_DIGITS and unit in _UNITS:
            return (datetime.now(UTC) - timedelta(seconds=int(amount) * _UNITS[unit])).isoformat()
        return datetime.fromisoformat(text).astimezone().isoformat()
    except (ValueError, OverflowError):
        forms = "a time such as 2026-01-31T12:00Z or 2026-01-31, or an age such as 30m, 6h or 7d"
        raise fail(f"{option} takes {forms}, not {text!r}.", WRONG_USE) from None


def prompt_secret(what: str) -> str:
    """Asks for a secret, or reads standard input if it is no terminal; without the line end that editors and `echo`
    add.
    """
    if sys.stdin.isatty():
        value: str = typer.prompt(f"Value of {what}", hide_input=True)
    else:
        value = sys.stdin.read().removesuffix("\n").removesuffix("\r")
    if not value:
        raise fail(f"The value of {what} is empty.", WRONG_USE)
    return value


def confirm_deletion(what: str, yes: bool) -> None:
    """Asks on a terminal whether to delete `what`, unless `yes`; scripts are not asked. Ends the command on a no."""
    if yes or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return
    if not typer.confirm(f"Delete {what}?", err=True):
        raise fail("Nothing was deleted.", FAILED)
