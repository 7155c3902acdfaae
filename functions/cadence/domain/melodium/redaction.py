"""Removes tokens and keys from the reports of engines, recognized by their names and types."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

REDACTED = "redacted"
"""The key of the replacement for a value that is not kept: `{"redacted": true}`."""

MASK = "***"
"""The replacement for a secret in a text."""

SECRET_DATA = frozenset({"work/access::Access"})
"""Types whose values are not kept: they hold the keys of workers."""

KNOWN_AS = "known_as"
"""The key of what is kept of such a value: the digest by which its key is recognized (`digest`)."""

_SECRET_NAME = re.compile(r"token|key|secret|passw|passphrase|credential|private|auth(?!or)", re.IGNORECASE)
# `https://user:password@host`, as in commands that clone.
_IN_URL = re.compile(r"(?<=://)[^\s/@:]*:[^\s/@]+(?=@)")
_SHORTEST = 6
# Of secrets in earlier chunks only digests are known, with which whole words are compared.
_WORD = re.compile(r"[^\s\"'`=,:;()<>\[\]{}]{6,}")


def is_secret(name: str) -> bool:
    """Whether a name is that of a secret."""
    return _SECRET_NAME.search(name) is not None


def redacted() -> dict[str, Any]:
    """Returns the replacement for a value that is not kept."""
    return {REDACTED: True}


def holds_redacted(value: Any) -> bool:
    """Whether a part was left out of a value in the stored form."""
    if isinstance(value, Mapping):
        incomplete = "data" in value and "cbor" not in value
        return incomplete or value.get(REDACTED) is True or any(map(holds_redacted, value.values()))
    return isinstance(value, list) and any(map(holds_redacted, value))


@dataclass
class Masks:
    """The secrets that were found so far, which are masked in later texts.

    Texts shorter than 6 characters are never masked.

    `digests` are those of secrets in earlier reports, whose texts are not known any more.
    """

    digests: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    _pattern: re.Pattern[str] | None = None

    def learn(self, value: Any) -> None:
        """Adds every text in a secret value."""
        for text in _texts(value):
            if len(text) >= _SHORTEST and text not in self.texts:
                self.texts.add(text)
                self._pattern = None

    def learn_raw(self, raw: Any) -> None:
        """Adds every text in a secret value as engines write it, but not the names of its types and elements."""
        self.learn(list(secret_texts(raw)))

    def known(self) -> set[str]:
        """Returns the digests of all secrets."""
        return self.digests | {digest(text) for text in self.texts}

    def masked(self, text: str) -> str:
        """Returns the text with all known secrets, and the credentials in URLs, masked."""
        if self.digests:
            if digest(text) in self.digests:
                self.learn(text)  # from here on it is known within other texts
                return MASK
            text = _WORD.sub(self._unless_secret, text)
        if self.texts:
            if self._pattern is None:
                longest_first = sorted(self.texts, key=len, reverse=True)
                self._pattern = re.compile("|".join(map(re.escape, longest_first)))
            text = self._pattern.sub(MASK, text)
        return _IN_URL.sub(MASK, text) if "://" in text else text

    def _unless_secret(self, word: re.Match[str]) -> str:
        return MASK if digest(word[0]) in self.digests else word[0]

    def masked_bytes(self, content: bytes) -> bytes:
        """Returns the content with the secrets whose texts are known masked."""
        for text in self.texts:
            content = content.replace(text.encode("utf-8", "surrogatepass"), MASK.encode())
        return content


def digest(text: str) -> str:
    """Returns the digest by which a secret is recognized in later reports without being kept."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=20, person=b"melodium secret").hexdigest()


def secret_texts(raw: Any) -> Iterable[str]:
    """Yields the texts in a value as engines write it (`{"option": {"string": "x"}}`).

    A description of a secret, and a serialised data type, hold none that are known to be secret.
    """
    if not isinstance(raw, Mapping) or len(raw) != 1:
        return
    ((tag, content),) = raw.items()
    if tag in ("string", "char"):
        yield str(content)
    elif tag == "vec" and isinstance(content, list):
        for item in content:
            yield from secret_texts(item)
    elif tag == "option" and content is not None:
        yield from secret_texts(content)
    elif tag == "secret" and isinstance(content, Mapping):
        yield from secret_texts(content.get("value"))


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)
