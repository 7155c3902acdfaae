"""Bounds the expressions of a document, which take longer to read than any other part of it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cadence.domain.pipelines.document.draft import Draft
from cadence.domain.pipelines.document.findings import Code, DocumentProblem
from cadence.domain.pipelines.document.templates import is_script, texts_with_expressions
from cadence.domain.pipelines.expression import MAX_EXPRESSIONS, MAX_LENGTH

MAX_WORDS = 60_000
"""Names, numbers and signs in the distinct texts with expressions. Reading one takes up to 6 microseconds."""
_WORD = re.compile(r"\w+|[^\w\s]")
_OPENING = "${{"


def check_amount(data: Mapping[str, Any], draft: Draft) -> DocumentProblem | None:
    """Returns a problem if there are more than `MAX_WORDS`, counted without reading any expression."""
    seen: set[str] = set()
    words = 0
    for problem, text in _texts(data, draft):
        if text in seen:
            continue
        seen.add(text)
        words += _words(text)
        if words > MAX_WORDS:
            return problem
    return None


def _texts(data: Mapping[str, Any], draft: Draft) -> Iterator[tuple[DocumentProblem, str]]:
    """Yields each text with expressions, and the problem to report if it exceeds the bound."""
    message = f"With this the expressions of the document have more than {MAX_WORDS:,} words and signs."
    hint = "Let treatments share expressions, with a matrix or a definition, or compute values in a treatment."
    for treatment in draft.bodies():
        for key, value in treatment.body.items():
            for path, text in texts_with_expressions(value, (key,)):
                if not is_script(path):
                    yield treatment.problem(Code.TOO_COMPLEX, message, path, hint), text
    for key in ("defaults", "concurrency", "on"):
        for path, text in texts_with_expressions(data.get(key), (key,)):
            yield DocumentProblem(code=Code.TOO_COMPLEX, message=message, path=path, hint=hint), text


def _words(text: str) -> int:
    """Returns the most words that the expressions of a text can have: all within `MAX_LENGTH` after an opening."""
    count = end = position = 0
    for _ in range(MAX_EXPRESSIONS):
        position = text.find(_OPENING, position)
        if position < 0:
            break
        start, end = max(position, end), min(len(text), position + len(_OPENING) + MAX_LENGTH)
        count += len(_WORD.findall(text, start, end))
        position += len(_OPENING)
    return count
