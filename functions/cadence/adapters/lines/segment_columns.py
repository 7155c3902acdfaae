"""The lines of a segment as columns, so that writing and reading a line costs little more than its text.

`magic, what zlib makes of: length of the head, head, texts`. The head is compact JSON. It has each column as pairs of a
value and of how many lines in a row have it, and the fields that only some lines have by the line's index.
"""

import json
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, groupby, repeat, starmap
from typing import Any

_MAGIC = b"cdsegm2\n"
_LENGTH = struct.Struct("<I")
_LEVEL = 3  # of zlib
_ENCODING = ("utf-8", "surrogatepass")
# Columns of values that stay the same over many lines; sequence numbers do, less the line's index.
_COLUMNS = ("time", "runner", "pool", "treatment", "attempt", "stream", "level")
_FIELDS = frozenset({"seq", "text", *_COLUMNS})


def is_columns(stored: bytes) -> bool:
    """Returns whether this is a segment in columns; older ones are gzipped JSON lines."""
    return stored.startswith(_MAGIC)


def packed_columns(lines: Sequence[Mapping[str, Any]]) -> bytes:
    """Returns lines as an object; the same lines always give the same one."""
    texts = [line["text"] for line in lines]
    together = "\n".join(texts)
    head: dict[str, Any] = {name: _in_a_row([line[name] for line in lines]) for name in _COLUMNS}
    head["lead"] = _in_a_row([line["seq"] - index for index, line in enumerate(lines)])
    if together.count("\n") != len(lines) - 1:
        head["lengths"], together = [len(text) for text in texts], "".join(texts)
    usual = len(_FIELDS)
    more = {index: _more(line) for index, line in enumerate(lines) if len(line) != usual}
    if more:
        head["more"] = more
    described = json.dumps(head, separators=(",", ":")).encode()
    return _MAGIC + zlib.compress(_LENGTH.pack(len(described)) + described + together.encode(*_ENCODING), _LEVEL)


def unpacked_columns(stored: bytes) -> list[dict[str, Any]]:
    """Returns the lines. Raises ValueError or zlib.error for what is no such object."""
    content = zlib.decompress(memoryview(stored)[len(_MAGIC) :])
    try:
        start = _LENGTH.size + _LENGTH.unpack_from(content)[0]
        head = json.loads(content[_LENGTH.size : start])
        texts = _texts(content[start:].decode(*_ENCODING), head)
        columns = [_each(head[name]) for name in (*_COLUMNS, "lead")]
        lines = [
            {
                "seq": lead + index, "time": time, "runner": runner, "pool": pool, "treatment": treatment,
                "attempt": attempt, "stream": stream, "level": level, "text": text,
            }
            for index, (text, time, runner, pool, treatment, attempt, stream, level, lead) in enumerate(
                zip(texts, *columns, strict=True)
            )
        ]  # fmt: skip
        for index, fields in head.get("more", {}).items():
            lines[int(index)] |= fields
    except (struct.error, KeyError, IndexError, TypeError) as error:
        raise ValueError("The object does not hold the columns of log lines.") from error
    return lines


def _in_a_row(values: Iterable[Any]) -> list[tuple[Any, int]]:
    return [(value, len(list(same))) for value, same in groupby(values)]


def _each(pairs: Iterable[tuple[Any, int]]) -> Iterator[Any]:
    return chain.from_iterable(starmap(repeat, pairs))


def _texts(together: str, head: Mapping[str, Any]) -> Sequence[str]:
    if "lengths" not in head:
        return together.split("\n")
    texts, start = [], 0
    for length in head["lengths"]:
        texts.append(together[start : start + length])
        start += length
    return texts


def _more(line: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in line.items() if name not in _FIELDS}
