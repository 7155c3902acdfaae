"""Requests about one treatment: its state, diagnosis, resources and instances."""

from collections.abc import Iterator
from typing import Any

from cadence.cli.client.session import ApiSession, Json, path_of


class InsightRequests(ApiSession):
    """Requests about one treatment: its state, diagnosis, resources and instances."""

    def treatment(self, run_id: str, treatment: str, attempt: int | None = None) -> Json:
        return self._call("GET", path_of("runs", run_id, "treatments", treatment), params={"attempt": attempt})

    def diagnosis(self, run_id: str, treatment: str, lines: int = 20, attempt: int | None = None) -> Json:
        params = {"lines": lines, "attempt": attempt}
        return self._call("GET", path_of("runs", run_id, "treatments", treatment, "diagnosis"), params=params)

    def resources_used(self, run_id: str, treatment: str, points: int = 60, attempt: int | None = None) -> Json:
        params = {"points": points, "attempt": attempt}
        return self._call("GET", path_of("runs", run_id, "treatments", treatment, "resources"), params=params)

    def flows(self, run_id: str, treatment: str) -> list[Any]:
        """What a running treatment has sent of its streams, with how far their readers are behind."""
        return list(self._call("GET", path_of("runs", run_id, "treatments", treatment, "flows"))["items"])

    def instances(self, run_id: str, group: str) -> Iterator[Json]:
        """Of a treatment with a matrix or `each`, in their order."""
        return self._all_pages(path_of("runs", run_id, "treatments", group, "instances"))
