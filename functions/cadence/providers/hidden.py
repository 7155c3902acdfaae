"""Removes secrets from errors and logs: credentials, tokens, and the start-up data of machines."""

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote

_CUT = "***"
_SHORTEST = 6
# Parts of a hidden text are found from this length on: some infrastructures repeat the beginning of a refused value.
_LONG = 20
_LONG_WORD = re.compile(rf"[A-Za-z0-9+/=_.-]{{{_LONG},}}")


class Hidden:
    """Cuts values out of texts: as they are, as JSON, in URLs and in base64; also long parts of them.

    Values shorter than 6 characters are no secrets, and would cut words.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._forms: frozenset[str] = frozenset()
        self.add(*values)

    def add(self, *values: str) -> None:
        """Adds values to be cut; of long ones each line as well."""
        for value in values:
            if len(value) >= _SHORTEST:
                self._forms |= _forms(value)
            for line in value.splitlines():
                if len(line) >= _LONG:
                    self._forms |= _forms(line)

    def cut(self, text: str) -> str:
        """Returns the text with `***` in place of each value."""
        for form in sorted(self._forms, key=len, reverse=True):
            text = text.replace(form, _CUT)
        return _LONG_WORD.sub(self._unless_known, text)

    def _unless_known(self, word: re.Match[str]) -> str:
        return _CUT if any(word[0] in form for form in self._forms) else word[0]


def _forms(value: str) -> set[str]:
    raw = value.encode()
    encoded = base64.b64encode(raw).decode()
    return {
        value,
        quote(value, safe=""),
        json.dumps(value)[1:-1],
        encoded,
        encoded.rstrip("="),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
    }
