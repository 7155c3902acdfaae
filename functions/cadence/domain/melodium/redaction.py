"""What of an engine's reports is never kept: tokens and keys, wherever their names or types give them away."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

REDACTED = "redacted"
"""What stands in place of a value that is not kept: `{"redacted": true}`."""

SECRET_DATA = frozenset({"work/access::Access"})
"""Types whose values are not kept: they hold the keys of workers."""

_SECRET_NAME = re.compile(r"token|key|secret|passw|passphrase|credential|private|auth(?!or)", re.IGNORECASE)
# `https://user:password@host`, as commands that clone have it.
_IN_URL = re.compile(r"(?<=://)[^\s/@:]*:[^\s/@]+(?=@)")
_SHORTEST = 6


def is_secret(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def redacted() -> dict[str, Any]:
    return {REDACTED: True}


@dataclass
class Masks:
    """The secrets that were met so far, to be masked where they come up again. Texts shorter than 6 characters are left alone."""

    texts: set[str] = field(default_factory=set)
    digests: set[str] = field(default_factory=set)
    _pattern: re.Pattern[str] | None = None

    def learn(self, value: Any) -> None:
        """Every text in a secret value."""
        for text in _texts(value):
            if len(text) >= _SHORTEST and text not in self.texts:
                self.texts.add(text)
                self.digests.add(digest(text))
                self._pattern = None

    def masked(self, text: str) -> str:
        if self.digests and digest(text) in self.digests:
            return "***"
        if self.texts:
            if self._pattern is None:
                longest_first = sorted(self.texts, key=len, reverse=True)
                self._pattern = re.compile("|".join(map(re.escape, longest_first)))
            text = self._pattern.sub("***", text)
        return _IN_URL.sub("***", text) if "://" in text else text

    def masked_bytes(self, content: bytes) -> bytes:
        for text in self.texts:
            content = content.replace(text.encode("utf-8", "surrogatepass"), b"***")
        return content


def digest(text: str) -> str:
    """By which a secret is known again in what comes later, without keeping it."""
    return hashlib.sha256(b"melodium secret\0" + text.encode("utf-8", "surrogatepass")).hexdigest()


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)
