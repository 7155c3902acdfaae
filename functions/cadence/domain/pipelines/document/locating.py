"""Gives findings about the values of a run their place in the document's text."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from cadence.domain.pipelines.document.findings import DocumentProblem, Finding, Path
from cadence.domain.pipelines.document.syntax.source import (
    EnoughMisreadings,
    SourcePositions,
    UnreadableDocument,
    decode,
)
from cadence.domain.pipelines.document.syntax.text import guess, read


def located(findings: Iterable[Finding], source: bytes | str) -> tuple[Finding, ...]:
    """Returns the findings with line and column of the part that their pointer names, or of the nearest in the text.

    A document that cannot be read leaves them as they are.
    """
    try:
        text = decode(source)
        places = read(text, guess(text), keep_places=True).places
    except (UnreadableDocument, EnoughMisreadings):
        places = None
    return tuple(finding if places is None or finding.line else _placed(finding, places) for finding in findings)


def _placed(finding: Finding, places: SourcePositions) -> Finding:
    problem = DocumentProblem(code=finding.code, message="", path=_path(finding.pointer, places.root))
    line, column = places.find(problem)
    return replace(finding, line=line, column=column)


def _path(pointer: str, root: Any) -> Path:
    """Returns the path of a pointer, as far as the document has it: an index is a number in lists alone."""
    path: list[str | int] = []
    node = root
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        part: str | int = int(name) if isinstance(node, list) and name.isdecimal() else name
        try:
            node = node[part]
        except (KeyError, IndexError, TypeError):
            break
        path.append(part)
    return tuple(path)
