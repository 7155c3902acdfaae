"""The functions of expressions beside CEL's own. Each bounds the size of its result."""

import json
import re
from collections.abc import Callable
from typing import Any

from cadence.domain.pipelines.expression import cel_library
from cadence.domain.pipelines.expression.text_of import text_of
from cadence.domain.shared.display import kind_of, shown

MAX_MADE = 1_000_000
"""Characters that all calls in one evaluation may make together."""
_MOST_MATCHING = 20_000_000
"""Steps that all calls of `matches` in one evaluation may take: size of the pattern times length of the text."""
_LONGEST_PATTERN = 200
_COUNTED = re.compile(r"\{(\d*),?(\d*)\}")
_CLASS = re.compile(r"\\[wWdDsSpPbB]")
_CLASS_SIZE = 300
_PATTERN_MADE = 100


class ExpressionFunctions:
    """The functions for one evaluation.

    `problem` is the refusal of one of them, since the library's own message has less detail.
    """

    def __init__(self) -> None:
        self.problem: str | None = None
        self._made = 0
        self._matching = 0
        own: dict[str, Callable[..., Any]] = {
            "fromJson": self._from_json,
            "join": self._join,
            "lowerAscii": lambda text: self._text(text).translate(_LOWER),
            "upperAscii": lambda text: self._text(text).translate(_UPPER),
            "replace": self._replace,
            "split": self._split,
            "string": text_of,
            "substring": self._substring,
            "toJson": lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")),
            "trim": lambda text: self._text(text).strip(),
            cel_library.BOUNDED_MATCHES: self._matches,
        }
        self.by_name = {name: self._guarded(name, function) for name, function in own.items()}

    def _guarded(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        shown_name = cel_library.MATCHES if name == cel_library.BOUNDED_MATCHES else name

        def call(*arguments: Any) -> Any:
            try:
                result = function(*arguments)
                texts = result if isinstance(result, list) else [result]
                self._count(sum(len(text) if isinstance(text, str) else 1 for text in texts))
                return result
            except (_Refused, ValueError) as refused:
                self.problem = f"{shown_name}: {refused}."
                raise
            except TypeError:
                self.problem = f"{shown_name} cannot be called with {', '.join(map(kind_of, arguments))}."
                raise

        return call

    def _count(self, size: int) -> None:
        self._made += size + 1
        if self._made > MAX_MADE:
            raise _Refused(f"the texts made would be longer than {MAX_MADE:,} characters")

    def _text(self, value: Any) -> str:
        if not isinstance(value, str):
            raise _Refused(f"a text is wanted, not {kind_of(value)}")
        return value

    def _from_json(self, text: Any) -> Any:
        self._count(len(self._text(text)))
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise _Refused(f"{shown(text)} is not JSON") from None

    def _join(self, items: Any, separator: str = "") -> str:
        if not isinstance(items, list):
            raise _Refused(f"a list is wanted, not {kind_of(items)}")
        texts = [text_of(item) for item in items]
        self._count(sum(map(len, texts)) + len(texts) * len(self._text(separator)))
        return separator.join(texts)

    def _replace(self, text: str, old: str, new: str) -> str:
        matches = self._text(text).count(self._text(old))
        self._count(len(text) + matches * len(self._text(new)))
        return text.replace(old, new)

    def _split(self, text: str, separator: str) -> list[str]:
        if not self._text(separator):
            raise _Refused("the text to split at is empty")
        return self._text(text).split(separator)

    def _substring(self, text: str, start: int, end: int | None = None) -> str:
        length = len(self._text(text))
        last = length if end is None else end
        if not 0 <= start <= last <= length:
            raise _Refused(f"the text has {length} characters, not those from {start} to {last}")
        return text[start:last]

    def _matches(self, text: str, pattern: str) -> bool:
        if len(self._text(pattern)) > _LONGEST_PATTERN:
            raise _Refused(f"a pattern has {_LONGEST_PATTERN} characters at most")
        size = len(pattern) + _CLASS_SIZE * len(_CLASS.findall(pattern))
        for counts in _COUNTED.findall(pattern):
            size *= max([1, *(int(count[:6]) for count in counts if count)])
        self._matching += size * (len(self._text(text)) + _PATTERN_MADE)
        if self._matching > _MOST_MATCHING:
            raise _Refused("the pattern is too complex for that much text")
        try:
            result: bool = cel_library.compiled("text.matches(pattern)").execute({"text": text, "pattern": pattern})
        except (ValueError, RuntimeError) as error:
            raise _Refused(
                f"{shown(pattern)} is no pattern: {str(error).rsplit('error: ', 1)[-1].strip(' .')}"
            ) from None
        return result


class _Refused(ValueError):
    """Signals that a function refuses its arguments; the message has no full stop."""


_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_UPPER = {code: code - 32 for code in range(ord("a"), ord("z") + 1)}
