"""Bounds what CBOR (RFC 8949) becomes when it is decoded, before anything of it is."""

MOST_ITEMS = 200_000
_DEEPEST = 200
_LISTS, _MAPS, _TAGS, _SIMPLE = 4, 5, 6, 7
_BYTES = (2, 3)
_SHARING = frozenset({25, 28, 29, 256})
"""Tags that let a value stand for another one: 186 bytes of them become millions of values."""
_OPEN, _BREAK = 31, 0xFF


class UnboundedCbor(ValueError):
    """The content has too many items, is nested too deeply, shares values, or ends too soon."""


def require_bounded(content: bytes) -> None:
    """Reads the heads of all items of the one value that `content` holds. Raises UnboundedCbor."""
    at, items, open_items = 0, 0, [1]
    while open_items:
        if open_items[-1] == 0:
            open_items.pop()
            continue
        items += 1
        if items > MOST_ITEMS or len(open_items) > _DEEPEST or at >= len(content):
            raise UnboundedCbor("it has too many items, or ends too soon")
        first = content[at]
        if first == _BREAK and open_items[-1] < 0:
            at += 1
            open_items.pop()
            continue
        open_items[-1] -= 1
        at, below = _head(content, at)
        if below:
            open_items.append(below)


def _head(content: bytes, at: int) -> tuple[int, int]:
    """Returns where the next head is, and how many items belong to this one (less than 0: up to a break)."""
    major, info = content[at] >> 5, content[at] & 31
    at += 1
    if info == _OPEN:
        return at, -1
    size = 0 if info < 24 else 1 << (info - 24)
    if info > 27 or at + size > len(content):
        raise UnboundedCbor("it ends too soon, or a length means nothing")
    number = int.from_bytes(content[at : at + size], "big") if size else info
    at += size
    if major in _BYTES:
        return at + number, 0
    if major == _TAGS:
        if number in _SHARING:
            raise UnboundedCbor(f"tag {number} shares values")
        return at, 1
    return at, number if major == _LISTS else 2 * number if major == _MAPS else 0
