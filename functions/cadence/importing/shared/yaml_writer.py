"""Writes a pipeline document as readable YAML with comments."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Path = tuple[str | int, ...]
Comments = Mapping[Path, Sequence[str]]
"""Comment lines by the path of the part of the document below them."""

_PLAIN = re.compile(r"[A-Za-z_./$][A-Za-z0-9_./$<>@+= -]*(:[A-Za-z0-9_./-]+)*")
_NOT_TEXT = re.compile(r"~|null|true|false|yes|no|on|off|y|n|\.inf|\.nan", re.IGNORECASE)
_UNPRINTABLE = re.compile("[^\t\n -~\u00a0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0010ffff]|[\u2028\u2029\ufeff]")
_FLOW_WIDTH = 100
_LISTED = frozenset({"connections", "run"})


def yaml_text(document: Mapping[str, Any], comments: Comments) -> str:
    """The document as YAML; each comment stands above the part at its path."""
    return "\n".join([*_comment(comments, (), ""), *_mapping(document, (), "", comments)]) + "\n"


def _mapping(data: Mapping[str, Any], path: Path, indent: str, comments: Comments) -> Iterator[str]:
    for key, value in data.items():
        here = (*path, key)
        yield from _comment(comments, here, indent)
        yield from _member(f"{indent}{_key(key)}:", value, here, indent, comments)


def _member(head: str, value: Any, path: Path, indent: str, comments: Comments) -> Iterator[str]:
    if isinstance(value, str) and "\n" in value and (block := _block(value)):
        yield f"{head} {block}"
        yield from (f"{indent}  {line}" if line else "" for line in value.removesuffix("\n").split("\n"))
    elif not isinstance(value, dict | list) or not value:
        yield f"{head} {_flow(value)}"
    elif (flow := _short(value, path, len(head), comments)) is not None:
        yield f"{head} {flow}"
    elif isinstance(value, dict):
        yield head
        yield from _mapping(value, path, indent + "  ", comments)
    else:
        yield head
        for index, item in enumerate(value):
            here = (*path, index)
            yield from _comment(comments, here, indent + "  ")
            if isinstance(item, dict) and item and _short(item, here, len(indent) + 4, comments) is None:
                lines = list(_mapping(item, here, indent + "    ", comments))
                yield f"{indent}  - {lines[0].lstrip()}"
                yield from lines[1:]
            else:
                yield from _member(f"{indent}  -", item, here, indent + "  ", comments)


def _short(value: Any, path: Path, used: int, comments: Comments) -> str | None:
    """On one line, where that is how people write it."""
    if len(path) == 1 or path[-1] in _LISTED or (len(path) == 2 and path[0] in ("treatments", "definitions")):
        return None
    items = value.values() if isinstance(value, dict) else value
    if any(isinstance(item, dict | list) and isinstance(value, dict) and item for item in items) and len(path) < 5:
        return None
    if any(comment[: len(path)] == path and comment != path for comment in comments):
        return None
    text = _flow(value)
    return text if used + len(text) < _FLOW_WIDTH and "\\n" not in text else None


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _scalar(value) if isinstance(value, str) else json.dumps(value)


def _key(text: str) -> str:
    """`on` is text here, and always written like this."""
    return text if text == "on" else _scalar(text)


def _scalar(text: str) -> str:
    if _PLAIN.fullmatch(text) and not _NOT_TEXT.fullmatch(text) and text == text.strip():
        return text
    if '"' in text and "'" not in text and "\n" not in text and not _UNPRINTABLE.search(text):
        return f"'{text}'"
    return _UNPRINTABLE.sub(_escape, json.dumps(text, ensure_ascii=False))


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _block(text: str) -> str | None:
    """The head of a literal block for the text; None if such a block cannot hold it."""
    if _UNPRINTABLE.search(text) or not text.strip() or text.endswith("\n\n"):
        return None
    ending = "" if text.endswith("\n") else "-"
    first = text.lstrip("\n")
    indentation = "2" if first[:1] in (" ", "\t") or text[:1] == "\n" else ""
    return f"|{indentation}{ending}"


def _comment(comments: Comments, path: Path, indent: str) -> Iterator[str]:
    for line in comments.get(path, ()):
        yield f"{indent}# {' '.join(_UNPRINTABLE.sub(' ', line).split())}"
