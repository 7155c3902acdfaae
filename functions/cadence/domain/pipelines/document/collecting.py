"""Collects the libraries that a document uses, directly or through others, within bounds."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from cadence.domain.pipelines.document.libraries import MOST_LIBRARIES_DEEP, Reference, Unavailable, references

_MOST_LIBRARIES = 20
_MOST_BYTES = 1_000_000
"""Of all libraries together, as they are read together with the document."""


class FetchTexts(Protocol):
    """Fetches libraries."""

    def __call__(self, requested: Sequence[Reference]) -> Mapping[Reference, bytes | Unavailable]:
        """Returns the text of each, or the reason why there is none."""


def collect_libraries(
    source: bytes | str, within: Reference | None, fetch: FetchTexts
) -> dict[Reference, bytes | Unavailable]:
    """Returns every document that `source` refers to, directly or through others; never raises for their content.

    `within` is the document itself; None if it lies in no repository.
    """
    texts: dict[Reference, bytes | Unavailable] = {}
    size = 0
    pending = references(source, within)
    for _ in range(MOST_LIBRARIES_DEEP):
        new = sorted(pending - texts.keys() - {within}, key=str)
        room = max(_MOST_LIBRARIES - len(texts), 0)
        fetched = fetch(new[:room]) if new[:room] else {}
        for reference in new[:room]:
            content = fetched[reference]
            size += len(content) if isinstance(content, bytes) else 0
            if size > _MOST_BYTES:
                content = Unavailable(
                    f"the documents whose definitions are used have more than {_MOST_BYTES:,} bytes together"
                )
            texts[reference] = content
        for reference in new[room:]:
            texts[reference] = Unavailable(f"a document can use definitions of {_MOST_LIBRARIES} others at most")
        read = ((one, content) for one in new if isinstance(content := texts[one], bytes))
        pending = frozenset().union(*(references(content, one) for one, content in read))
    return texts
