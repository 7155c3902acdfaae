"""Requests about where values came from and where they went."""

from typing import Any

from cadence.cli.client.session import ApiSession, Json, path_of


class ProvenanceRequests(ApiSession):
    """Requests about where values came from and where they went."""

    def trace(self, run_id: str, port: str, offset: int | None = None) -> Json:
        return self._call("GET", path_of("runs", run_id, "trace"), params={"port": port, "offset": offset})

    def provenance(self, run_id: str, *form: str, **query: Any) -> Json:
        """Where something in a run came from or went, as a graph; `form` is `prov` or `openlineage` for those."""
        return self._call("GET", path_of("runs", run_id, "provenance", *form), params=query)

    def uses(self, sha256: str, limit: int = 50, cursor: str | None = None) -> Json:
        """Which runs of the project used a value: one page."""
        params = {"limit": min(limit, 200), "cursor": cursor}
        return self._call("GET", self._in_project("values", sha256, "uses"), params=params)
