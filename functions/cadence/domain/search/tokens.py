"""Defines the words of a text, the same for an index and for the matcher, with any Unicode versions of the two.

A word is a run of letters and digits, in lower case. Underscores, punctuation, symbols and spaces separate words, so
`CONNECTION_REFUSED` is found by `refused`. Chinese and Japanese characters are words of their own, since nothing
separates words there. Runs of more than 64 characters are cut into words of 64.
"""

import re
from collections.abc import Sequence

LONGEST_WORD = 64  # characters

_ASCII = r"\x00-/:-@\[-`{-\x7f"
_SYMBOLS = (
    r"\u0080-\u00a9\u00ab-\u00b1\u00b4\u00b6-\u00b8\u00bb\u00bf\u00d7\u00f7"
    r"\u1680\u2000-\u206f\u20a0-\u20cf\u2190-\u2bff\u2e00-\u2e7f\u3000-\u303f\ue000-\uf8ff"
    r"\ufe00-\ufe1f\ufe30-\ufe4f\ufeff\uff00-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\uffe0-\uffff\U0001f000-\U0001faff"
)
_ALONE = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"

# Plain ranges only, so that Python's engine and that of an index (Rust's) read it alike.
WORD_PATTERN = f"[{_ALONE}]|[^{_ASCII}{_SYMBOLS}{_ALONE}]{{1,{LONGEST_WORD}}}"
"""A word before it is put into lower case, character by character."""

_WORD = re.compile(WORD_PATTERN)
_ASCII_WORD = re.compile(f"[0-9a-z]{{1,{LONGEST_WORD}}}")
# Control sequences for terminals: colours and cursor movements (CSI), titles and links (OSC).
_TERMINAL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")
_HALF_PAIRS = re.compile(r"[\ud800-\udfff]")
# For many texts at once: each ASCII character outside of words becomes a space, each of a word one letter.
_PARTED = bytes(
    ord(chr(code).lower()) if chr(code).isalnum() or code == ord("\n") else ord(" ") for code in range(128)
) + bytes(range(128, 256))
_SHAPE = bytes(ord("a") if chr(code).isalnum() else ord(" ") for code in range(128)) + bytes(128)
_TOO_LONG = b"a" * (LONGEST_WORD + 1)


# Digests and random identifiers: they are all different, so an index has only their first characters, behind a mark
# that no word has. So it finds a line with one, and very few others.
_DIGEST_MARK = "="
_DIGEST_START = 4
_DIGEST = r"(?=[0-9]*[a-f])(?=[a-f]*[0-9])([0-9a-f]{4})[0-9a-f]{8,}"
_ONE_DIGEST = re.compile(_DIGEST)
_DIGESTS = re.compile(f"(?<![^ \\n]){_DIGEST}(?![^ \\n])")
_MAY_BEGIN_DIGEST = re.compile("[0-9a-f]+")


def plain(text: str) -> str:
    """Returns the text as words and regular expressions search it: without control sequences for terminals.

    Halves of surrogate pairs, which no encoding accepts, become U+FFFD. The long s becomes an s: a regular expression
    that ignores case takes it for one, and so must words.

    >>> plain("\\x1b[31merror\\x1b[0m: no such file")
    'error: no such file'
    """
    if "\x1b" in text:
        text = _TERMINAL.sub("", text)
    return text if text.isascii() else _HALF_PAIRS.sub("\ufffd", text).replace("\u017f", "s")


def lower(text: str) -> str:
    """Returns lower case, character by character as in an index: a final sigma does not depend on its neighbours."""
    return text.lower() if text.isascii() else "".join(map(str.lower, text))


def words(text: str) -> Sequence[str]:
    """Returns the words of a plain text, in order.

    >>> words("GET /api/v1 → 503 (upstream_timeout)")
    ['get', 'api', 'v1', '503', 'upstream', 'timeout']
    """
    if text.isascii():
        return _ASCII_WORD.findall(text.lower())
    return [lower(word) for word in _WORD.findall(text)]


def parted(texts: Sequence[str]) -> Sequence[str]:
    """Returns the words of each text, with spaces between and around them.

    Equals `" ".join(words(plain(text)))`, except for more spaces.

    >>> parted(["GET /api", "503"])
    ['get  api', '503']
    """
    special = [number for number, text in enumerate(texts) if not text.isascii() or "\x1b" in text or "\n" in text]
    usual = list(texts)
    for number in special:
        usual[number] = ""
    together = "\n".join(usual).encode("ascii")
    results = together.translate(_PARTED).decode("ascii").split("\n") if texts else []
    if _TOO_LONG in together.translate(_SHAPE):
        special = list(range(len(texts)))
    for number in special:
        results[number] = " ".join(words(plain(texts[number])))
    return results


def index_term(word: str) -> str:
    """Returns what an index has for a word: the word itself, or the start of a digest behind a mark.

    >>> index_term("deadlock"), index_term("4fd3a0b1c2d3e4f5")
    ('deadlock', '=4fd3')
    """
    digest = _ONE_DIGEST.fullmatch(word)
    return _DIGEST_MARK + digest[1] if digest else word


def digest_terms(prefix: str) -> Sequence[str]:
    """Returns how the terms of digests begin that begin with `prefix`: none, or one.

    >>> digest_terms("4fd3a0"), digest_terms("4f"), digest_terms("dead-")
    (['=4fd3'], ['=4f'], [])
    """
    return [_DIGEST_MARK + prefix[:_DIGEST_START]] if _MAY_BEGIN_DIGEST.fullmatch(prefix) else []


def index_terms(texts: Sequence[str]) -> Sequence[str]:
    """Returns the terms of each text, as `parted` returns its words.

    >>> index_terms(["request 4fd3a0b1c2d3e4f5"])
    ['request =4fd3']
    """
    return _DIGESTS.sub(rf"{_DIGEST_MARK}\1", "\n".join(parted(texts))).split("\n") if texts else []
