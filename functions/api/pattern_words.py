"""Says in words what a text must look like: a regular expression is no message for users."""

import re

from api.shapes import NAME_PATTERN, PROJECT_OR_ALL_PATTERN, SECRET_NAME_PATTERN

_NAME = "Must begin with a lower-case letter and have only lower-case letters, digits, `_` and `-`, at most 63 in all"
_NO_CONTROL = "Must not be empty or have control characters, such as line breaks."
_URL = "Must be an address that begins with `http://` or `https://`, without spaces, user, query and fragment."
_WORDS = {
    NAME_PATTERN: f"{_NAME}.",
    PROJECT_OR_ALL_PATTERN: f"{_NAME}, or be `*` for all projects.",
    SECRET_NAME_PATTERN: "Must begin with a letter and have only letters, digits, `_`, `.` and `-`, at most 127 in all.",
    r"^[^\x00-\x1f\x7f]+$": _NO_CONTROL,
    r"^https?://[^@?#\s]+$": _URL,
    r"^https?://[^\s?#]+[^\s?#/]$": _URL.replace("and fragment.", "and fragment, and with no `/` at its end."),
    r"^[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+$": "Must be an e-mail address, such as `ada@example.org`.",
    r"^[A-Z]{3}$": "Must be a currency's code of three capital letters, such as `EUR`.",
    "^[0-9a-fA-F]{4,64}$": "Must be the first 4 to 64 hexadecimal digits of a commit's id.",
    r"^\d{1,12}:\d{1,9}$": "Must be the position of a line, `segment:index`, such as `12:3`.",
    r"^[A-Za-z_][A-Za-z0-9_]{0,254}$": "Must begin with a letter or `_` and have only letters, digits and `_`.",
    r"^[ -~]{1,200}$": "Must have 1 to 200 printable ASCII characters.",
    r"^[ -~]+$": "Must have printable ASCII characters only.",
    r"^[!-~]+$": "Must have printable ASCII characters only, without spaces.",
}
# `^(a|b|c)$`, and a list of such words with commas between them.
_CHOICE = re.compile(
    r"\^\((?P<words>[\w:*.\\-]+(?:\|[\w:*.\\-]+)+)\)(?P<list>\(,\((?P=words)\)\)\{0,(?P<more>\d+)\})?\$"
)
_OTHER = "Does not have the form that is required here; the description of the API at /v1/openapi.json has it."


def in_words(pattern: str) -> str:
    """Returns a sentence about texts that match the pattern of a parameter or of a part of a body."""
    choice = _CHOICE.fullmatch(pattern)
    if choice is None:
        return _WORDS.get(pattern, _OTHER)
    words = ", ".join(f"`{word}`" for word in re.sub(r"\\(.)", r"\1", choice["words"]).split("|"))
    if choice["list"] is None:
        return f"Must be one of {words}."
    return f"Must be one of {words}, or up to {int(choice['more']) + 1} of them, separated by commas without spaces."
