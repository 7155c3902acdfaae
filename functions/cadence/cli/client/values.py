"""Requests about the contents of ports and values."""

from collections.abc import Iterator

from cadence.cli.client.session import ApiSession, Json, path_of


class ValueRequests(ApiSession):
    """Requests about the contents of ports and values."""

    def content(
        self,
        run_id: str,
        treatment: str,
        port: str,
        offset: int = 0,
        length: int = 4096,
        side: str = "outputs",
        attempt: int | None = None,
    ) -> Json:
        """A piece of what goes through a port; `side` is `inputs` or `outputs`, `attempt` is for outputs."""
        params = {"offset": offset, "length": length, "attempt": attempt}
        return self._call("GET", path_of("runs", run_id, "treatments", treatment, side, port), params=params)

    def run_data(self, run_id: str) -> Json:
        """Where what a run left lies, and who read it."""
        return self._call("GET", path_of("runs", run_id, "data"))

    def value(self, run_id: str, sha256: str, first_chunk: int = 0) -> Json:
        return self._call("GET", path_of("runs", run_id, "values", sha256), params={"first_chunk": first_chunk})

    def piece_of_value(self, run_id: str, sha256: str, offset: int, length: int) -> Json:
        params = {"offset": offset, "length": length}
        return self._call("GET", path_of("runs", run_id, "values", sha256), params=params)

    def values(self, run_id: str) -> Iterator[Json]:
        """What the treatments of a run have sent, page after page."""
        return self._all_pages(path_of("runs", run_id, "values"))

    def read_value(self, run_id: str, sha256: str) -> Iterator[bytes]:
        """The bytes of a value, piece by piece."""
        first: int | None = 0
        while first is not None:
            page = self.value(run_id, sha256, first)
            for chunk in page["chunks"]:
                yield from self._download(chunk["url"])
            first = page["next_chunk"]
