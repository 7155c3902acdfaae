"""Keeps the document that was read last: a run's plan is read twice, and the next run is often of the same one."""

from cadence.application.shared.ports import Documents


class LastDocument:
    """`Documents` whose last document stays in memory; a document's name is its digest, so that it never changes."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._last: tuple[str, bytes] = ("", b"")

    def put(self, content: bytes) -> str:
        return self._documents.put(content)

    def get(self, sha256: str) -> bytes:
        known, content = self._last
        if known != sha256:
            content = self._documents.get(sha256)
            self._last = sha256, content
        return content
