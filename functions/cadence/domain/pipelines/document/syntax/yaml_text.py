"""Reads YAML documents: mappings, lists, text, and JSON's scalars.

Only `null`, `~`, `true`, `false` and numbers as JSON writes them are more than text, so that `on`, `no`, `0755`,
`1:30` and `1_000` stay what their author typed. Anchors and aliases work within the limits; tags do not.
"""

import re
from collections.abc import Callable
from typing import Any

import yaml

from cadence.domain.pipelines.document.building import Builder, too_complex
from cadence.domain.pipelines.document.findings import Code
from cadence.domain.pipelines.document.syntax.numbers import FLOAT, INTEGER, number
from cadence.domain.pipelines.document.syntax.source import (
    MAX_CHARACTERS,
    MAX_DEPTH,
    MAX_NODES,
    ParsedDocument,
    Position,
    UnreadableDocument,
)
from cadence.domain.shared.display import shown

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CONSTANTS = {"": None, "~": None, "null": None, "Null": None, "NULL": None} | {
    spelling: value for value in (True, False) for spelling in (str(value), str(value).lower(), str(value).upper())
}
_NUMBER = re.compile(f"(?P<integer>{INTEGER})|{FLOAT}")
_SPECIAL_BEGINS = frozenset("-+.0123456789") | {spelling[0] for spelling in _CONSTANTS if spelling}
"""The first characters of unquoted scalars that may be other than text."""
_PLAIN = frozenset({"", None})
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def read_yaml(text: str, *, keep_places: bool = False) -> ParsedDocument:
    """Reads one YAML document. Raises UnreadableDocument if it has no usable data."""
    loader = None
    try:
        loader = _Loader(text)
        return _YamlReader(loader, keep_places=keep_places).read()
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, text) from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        position = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        raise UnreadableDocument(Code.SYNTAX, "This character is not allowed in YAML.", position) from None
    finally:
        if loader is not None:
            loader.dispose()


class _YamlReader:
    """Converts the parser's events into data."""

    def __init__(self, loader: Any, *, keep_places: bool) -> None:
        self._loader = loader
        self._builder = Builder(_position, keep_places=keep_places)
        self._anchors: dict[str, Any] = {}
        self._documents = 0
        self._aliased = False

    def read(self) -> ParsedDocument:
        """Reads all events.

        Raises UnreadableDocument for a second document, unknown anchors or keys that are no text.
        """
        handlers: dict[type[Any], Callable[[Any], None]] = {
            yaml.MappingStartEvent: lambda event: self._container({}, event),
            yaml.SequenceStartEvent: lambda event: self._container([], event),
            yaml.MappingEndEvent: self._builder.end,
            yaml.SequenceEndEvent: self._builder.end,
            yaml.AliasEvent: self._alias,
            yaml.DocumentStartEvent: self._document,
        }
        next_event, scalar_event, end = self._loader.get_event, yaml.ScalarEvent, yaml.StreamEndEvent
        key, value, builder = self._builder.key, self._builder.value, self._builder
        # Most events are scalars, so that their handling here decides how long reading takes.
        while (kind := type(event := next_event())) is not end:
            if kind is scalar_event:
                text, style = event.value, event.style
                if style == '"' or event.tag is not None:
                    text = self._unusual(event)
                if builder.expects_key:
                    key(text, event.start_mark)
                    continue
                if style in _PLAIN and (text == "" or text[0] in _SPECIAL_BEGINS):
                    text = self._resolve(text, event.start_mark)
                if event.anchor is not None:
                    self._anchors[event.anchor] = text
                value(text, event.start_mark)
            elif kind in handlers:
                handlers[kind](event)
        reading = self._builder.finish()
        if self._aliased:
            _check_expansion(reading.data)
        return reading

    def _unusual(self, event: Any) -> str:
        """Returns the text of a scalar with a tag (a problem), or in double quotes, where escapes need a check."""
        if event.tag is not None:
            self._tag_problem(event)
        return self._builder.usable(event.value, event.start_mark) if event.style == '"' else event.value

    def _container(self, container: Any, event: Any) -> None:
        if event.tag is not None:
            self._tag_problem(event)
        if self._builder.expects_key:
            raise _key_not_text(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = container
        self._builder.start(container, event.start_mark)

    def _alias(self, event: Any) -> None:
        if self._builder.expects_key:
            raise _key_not_text(event)
        if event.anchor not in self._anchors:
            message = f"There is no anchor {shown('&' + event.anchor)} before here."
            raise UnreadableDocument(Code.SYNTAX, message, _position(event.start_mark))
        self._aliased = True
        self._builder.value(self._anchors[event.anchor], event.start_mark)

    def _document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            position = _position(event.start_mark)
            message = "A second document starts here."
            raise UnreadableDocument(Code.SEVERAL_DOCUMENTS, message, position, "Keep one document in a file.")

    def _resolve(self, text: str, mark: Any) -> Any:
        """Returns the value of an unquoted scalar."""
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        match = _NUMBER.fullmatch(text)
        value: Any = text if match is None else number(text, whole=match["integer"] is not None)
        if value is None or _NOT_FINITE.fullmatch(text):
            self._builder.problem(Code.BAD_NUMBER, f"No number type can hold {shown(text)}.", mark)
            return 0
        return value

    def _tag_problem(self, event: Any) -> None:
        message = f"The tag {shown(event.tag)} is not supported."
        self._builder.problem(Code.YAML_TAG, message, event.start_mark, "Leave the tag out.")


def _position(mark: Any) -> Position:
    return mark.line + 1, mark.column + 1


def _key_not_text(event: Any) -> UnreadableDocument:
    message = "A key must be text, not a list, a mapping or an alias."
    return UnreadableDocument(Code.KEY_NOT_TEXT, message, _position(event.start_mark))


def _check_expansion(root: Any) -> None:
    """Refuses documents that aliases make huge or endless: later checks walk them as if written out.

    Raises UnreadableDocument.
    """
    pending = [(root, 0)]
    nodes = characters = 0
    while pending:
        node, depth = pending.pop()
        nodes += 1
        if isinstance(node, str):
            characters += len(node)
        elif isinstance(node, dict):
            characters += sum(map(len, node))
        if nodes > MAX_NODES or depth > MAX_DEPTH or characters > MAX_CHARACTERS:
            raise too_complex((1, 1))
        if isinstance(node, dict | list):
            children = node.values() if isinstance(node, dict) else node
            pending.extend((child, depth + 1) for child in children)


def _syntax_error(error: yaml.MarkedYAMLError, text: str) -> UnreadableDocument:
    lines = text.split("\n")
    line, column = len(lines), len(lines[-1]) + 1
    # The place of the problem, unless that is the end of the text: then the part that was never closed is shown.
    for mark in (error.problem_mark, error.context_mark):
        if mark is not None and mark.line < len(lines):
            line, column = _position(mark)
            break
    here = lines[line - 1]
    if error.problem and "nesting depth" in error.problem:
        return too_complex((line, column))
    if here[column - 1 : column] == "\t" or here.startswith("\t"):
        message = "YAML does not allow a tab for indentation."
        return UnreadableDocument(Code.SYNTAX, message, (line, column), "Indent with spaces.")
    context = f" ({error.context})" if error.context else ""
    return UnreadableDocument(
        Code.SYNTAX,
        f"This is not YAML: {error.problem}{context}.",
        (line, column),
        "Look at the indentation, quotes and colons here and in the line above.",
    )
