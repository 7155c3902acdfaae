"""YAML documents: mappings, lists, text, and the scalars that JSON knows.

Only `null`, `~`, `true`, `false` and numbers as JSON writes them are more than text, so that `on`, `no`, `0755`,
`1:30` and `1_000` stay what their author typed. Anchors and aliases work within the limits; tags do not.
"""

import re
from typing import Any

import yaml

from cadence.domain.document.building import Builder, too_complex
from cadence.domain.document.findings import Code
from cadence.domain.document.numbers import FLOAT, INTEGER, number
from cadence.domain.document.source import MAX_DEPTH, MAX_NODES, Places, Position, Reading, Unreadable
from cadence.domain.document.wording import shown

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CONSTANTS = {"": None, "~": None, "null": None, "Null": None, "NULL": None} | {
    spelling: value for value in (True, False) for spelling in (str(value), str(value).lower(), str(value).upper())
}
_NUMBER = re.compile(f"(?P<integer>{INTEGER})|{FLOAT}")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_PLAIN = ("", None)


def read_yaml(text: str, places: Places | None = None) -> Reading:
    """Reads one YAML document. Raises `Unreadable` when there is no data to go on with."""
    loader = None
    try:
        loader = _Loader(text)
        return _read(loader, places)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, text) from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position] if isinstance(error.position, int) else ""
        position = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        raise Unreadable(Code.SYNTAX, "This character is not allowed in YAML.", position) from None
    finally:
        if loader is not None:
            loader.dispose()


def _read(loader: Any, places: Places | None) -> Reading:
    builder = Builder(places)
    anchors: dict[str, Any] = {}
    documents = 0
    aliased = False
    while True:
        event = loader.get_event()
        kind = type(event)
        if kind is yaml.ScalarEvent:
            position = event.start_mark.line + 1, event.start_mark.column + 1
            if event.tag is not None:
                _tag_problem(builder, event.tag, position)
            if builder.expects_key:
                builder.key(event.value, position)
            else:
                value = event.value
                if event.style in _PLAIN:
                    value = _resolve(value, builder, position)
                if event.anchor is not None:
                    anchors[event.anchor] = value
                builder.value(value, position)
        elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            position = event.start_mark.line + 1, event.start_mark.column + 1
            if event.tag is not None:
                _tag_problem(builder, event.tag, position)
            if builder.expects_key:
                raise _key_not_text(position)
            container: Any = {} if kind is yaml.MappingStartEvent else []
            if event.anchor is not None:
                anchors[event.anchor] = container
            builder.start(container, position)
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            builder.end()
        elif kind is yaml.AliasEvent:
            position = event.start_mark.line + 1, event.start_mark.column + 1
            if builder.expects_key:
                raise _key_not_text(position)
            if event.anchor not in anchors:
                raise Unreadable(Code.SYNTAX, f"There is no anchor {shown('&' + event.anchor)} before here.", position)
            aliased = True
            builder.value(anchors[event.anchor], position)
        elif kind is yaml.DocumentStartEvent:
            documents += 1
            if documents > 1:
                raise Unreadable(
                    Code.SEVERAL_DOCUMENTS,
                    "A second document starts here.",
                    (event.start_mark.line + 1, event.start_mark.column + 1),
                    "Keep one document in a file.",
                )
        elif kind is yaml.StreamEndEvent:
            break
    if documents == 0 or builder.root is None:
        raise Unreadable(Code.EMPTY_DOCUMENT, "There is nothing in this document.")
    if aliased:
        _check_expansion(builder.root)
    if places is not None:
        places.root = builder.root
    return Reading(builder.root, tuple(builder.misreadings))


def _resolve(text: str, builder: Builder, position: Position) -> Any:
    """What an unquoted scalar stands for."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    first = text[0]
    if first.isdigit() or first == "-":
        match = _NUMBER.fullmatch(text)
        if match is not None:
            return number(text, match["integer"] is not None, builder, position)
    if first in ".-+" and _NOT_FINITE.fullmatch(text):
        builder.problem(Code.BAD_NUMBER, f"{shown(text)} is not a number that can be worked with.", position)
    return text


def _tag_problem(builder: Builder, tag: str, position: Position) -> None:
    builder.problem(Code.YAML_TAG, f"The tag {shown(tag)} is not supported.", position, "Leave the tag out.")


def _key_not_text(position: Position) -> Unreadable:
    return Unreadable(Code.KEY_NOT_TEXT, "A key must be text, not a list, a mapping or an alias.", position)


def _check_expansion(root: Any) -> None:
    """Refuses documents that aliases make huge or endless: what comes later walks them as if written out."""
    pending = [(root, 0)]
    nodes = 0
    while pending:
        node, depth = pending.pop()
        nodes += 1
        if nodes > MAX_NODES or depth > MAX_DEPTH:
            raise too_complex((1, 1))
        if isinstance(node, dict | list):
            children = node.values() if isinstance(node, dict) else node
            pending.extend((child, depth + 1) for child in children)


def _syntax_error(error: yaml.MarkedYAMLError, text: str) -> Unreadable:
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return Unreadable(Code.SYNTAX, f"This is not YAML: {error.problem}.")
    line, column = mark.line + 1, mark.column + 1
    lines = text.split("\n", line)
    here = lines[line - 1] if len(lines) >= line else ""
    if error.problem and "nesting depth" in error.problem:
        return too_complex((line, column))
    if here[column - 1 : column] == "\t" or here.startswith("\t"):
        return Unreadable(
            Code.SYNTAX, "YAML does not allow a tab for indentation.", (line, column), "Indent with spaces."
        )
    context = f" ({error.context})" if error.context else ""
    return Unreadable(
        Code.SYNTAX,
        f"This is not YAML: {error.problem}{context}.",
        (line, column),
        "Look at the indentation, quotes and colons here and in the line above.",
    )
