"""Requests that search or follow the log lines of all runs."""

from cadence.cli.client.session import ApiSession, Json, path_of

_LONGEST_WAIT = 2  # seconds; the API waits no longer for a first line


class SearchRequests(ApiSession):
    """Requests that search or follow the log lines of all runs."""

    def search_logs(self, query: str, limit: int = 100, project: str | None = None, cursor: str | None = None) -> Json:
        """One page of lines, the newest first: `lines`, `next`, and `reached`, the time down to which it has looked."""
        params = {"q": query, "limit": limit, "project": project, "cursor": cursor}
        return self._call("GET", path_of("logs"), params=params)

    def count_logs(
        self, query: str, by: str | None = None, interval: int | None = None, project: str | None = None
    ) -> Json:
        """`interval` is in seconds."""
        params = {"q": query, "by": by, "interval": interval, "project": project}
        return self._call("GET", path_of("logs", "counts"), params=params)

    def live_logs(self, query: str, after: str | None = None, wait: float = 0, project: str | None = None) -> Json:
        """Lines that came after the cursor, or from now on: `lines`, `after` to go on from, `more`."""
        params = {"q": query, "after": after, "wait": min(wait, _LONGEST_WAIT) or None, "project": project}
        return self._call("GET", path_of("logs", "live"), params=params)

    def live_url(self) -> str:
        """Where lines can be followed by WebSocket."""
        url = str(self._call("GET", path_of("live"))["url"])
        return f"ws{self.url.removeprefix('http')}{url}" if url.startswith("/") else url
