"""Requests about the log lines of one run, and how long they are kept."""

from collections.abc import Iterator
from typing import Any

from cadence.cli.client.runs import RunRequests, is_final
from cadence.cli.client.session import Json, path_of

_LONGEST_WAIT = 2  # seconds; the API waits no longer for a first line
_LARGEST_PAGE = 2_000


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
        **place: str | int | None,
    ) -> Json:
        """One page: `lines`, and `after` to go on from.

        With `wait` (seconds, at most 2) it waits for the first line. `treatment` may be several names, separated by
        commas. `place` is `line`, `time` or `before`, in place of `after`; or a further filter, `level`, `step` or
        `attempt`.
        """
        params = {
            "after": after,
            "wait": min(wait, _LONGEST_WAIT) or None,
            "limit": limit,
            "treatment": treatment,
            "grep": grep,
            **place,
        }
        return self._call("GET", path_of("runs", run_id, "logs"), params=params)

    def all_logs(
        self,
        run_id: str,
        follow: bool = False,
        *,
        tail: int | None = None,
        line: int | None = None,
        time: str | None = None,
        **filters: Any,
    ) -> Iterator[Json]:
        """The lines of a run, from a place on; with `follow` until it has ended and all its lines are returned.

        The place is the last `tail` lines, the line with a number, or a time; without one it is the beginning.
        """
        after = None
        ended = False
        if tail is not None:
            lines, after = self._last(run_id, tail, **filters)
            yield from lines
            if not follow:
                return
        place: dict[str, Any] = {"line": line, "time": time}
        while True:
            page = self.logs(run_id, after, wait=_LONGEST_WAIT if follow and not ended else 0, **filters, **place)
            place = {}
            yield from page["lines"]
            after = page["after"] or after
            if page["more"]:
                continue
            if not follow or ended:
                return
            ended = is_final(self.run(run_id)["state"])

    def _last(self, run_id: str, count: int, **filters: Any) -> tuple[list[Json], str]:
        """The last lines that match, at most so many, and the cursor of the log's end."""
        page = self.logs(run_id, before="end", limit=min(count, _LARGEST_PAGE), **filters)
        lines, after = list(page["lines"]), str(page["after"])
        while page["before"] and len(lines) < count:
            limit = min(count - len(lines), _LARGEST_PAGE)
            page = self.logs(run_id, before=page["before"], limit=limit, **filters)
            lines = [*page["lines"], *lines]
        return lines, after

    def retention(self) -> Json:
        return self._call("GET", path_of("projects", self.project, "retention"))

    def put_retention(self, days: int | None) -> Json:
        return self._call("PUT", path_of("projects", self.project, "retention"), {"days": days})

    def storage(self) -> Json:
        return self._call("GET", path_of("projects", self.project, "storage"))

    def put_storage(self, mebibytes: int | None) -> Json:
        return self._call("PUT", path_of("projects", self.project, "storage"), {"mebibytes": mebibytes})
