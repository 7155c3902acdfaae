"""Requests about the log lines of one run, and how long they are kept."""

from collections.abc import Iterator
from typing import Any

from cadence.cli.client.runs import RunRequests, is_final
from cadence.cli.client.session import Json, path_of

_LONGEST_WAIT = 2  # seconds; the API waits no longer for a first line


class LogRequests(RunRequests):
    """Requests about the log lines of one run, and how long they are kept."""

    def logs(
        self,
        run_id: str,
        after: str | None = None,
        wait: float = 0,
        limit: int | None = None,
        treatment: str | None = None,
        grep: str | None = None,
    ) -> Json:
        """One page: `lines`, and `after` to go on from.

        With `wait` (seconds, at most 2) it waits for the first line.
        """
        params = {
            "after": after,
            "wait": min(wait, _LONGEST_WAIT) or None,
            "limit": limit,
            "treatment": treatment,
            "grep": grep,
        }
        return self._call("GET", path_of("runs", run_id, "logs"), params=params)

    def all_logs(self, run_id: str, follow: bool = False, **filters: Any) -> Iterator[Json]:
        """The lines of a run; with `follow` until it has ended and all its lines are returned."""
        after = None
        ended = False
        while True:
            page = self.logs(run_id, after, wait=_LONGEST_WAIT if follow and not ended else 0, **filters)
            yield from page["lines"]
            after = page["after"] or after
            if page["more"]:
                continue
            if not follow or ended:
                return
            ended = is_final(self.run(run_id)["state"])

    def retention(self) -> Json:
        return self._call("GET", path_of("projects", self.project, "retention"))

    def put_retention(self, days: int | None) -> Json:
        return self._call("PUT", path_of("projects", self.project, "retention"), {"days": days})

    def storage(self) -> Json:
        return self._call("GET", path_of("projects", self.project, "storage"))

    def put_storage(self, mebibytes: int | None) -> Json:
        return self._call("PUT", path_of("projects", self.project, "storage"), {"mebibytes": mebibytes})
