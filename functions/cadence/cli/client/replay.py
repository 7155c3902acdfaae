"""Requests about replays."""

import uuid

from cadence.cli.client.session import ApiSession, Json, path_of


class ReplayRequests(ApiSession):
    """Requests about replays."""

    def replay(self, run_id: str, treatment: str, pool: str | None = None, offline: bool = False) -> Json:
        """Starts a replay; `run_id` of the answer is its run."""
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        path = path_of("runs", run_id, "treatments", treatment, "replay")
        return self._call("POST", path, {"pool": pool, "offline": offline}, headers=headers, repeatable=True)

    def comparison(self, replay: str) -> Json:
        """A replay, by its run, held against the original."""
        return self._call("GET", path_of("runs", replay, "comparison"))

    def replays(self, run_id: str, treatment: str) -> Json:
        return self._call("GET", path_of("runs", run_id, "treatments", treatment, "replays"))["items"]

    def replay_kit(self, run_id: str, treatment: str) -> Json:
        return self._call("GET", path_of("runs", run_id, "treatments", treatment, "replay-kit"))

    def diff(self, run_id: str, other: str) -> Json:
        """The comparison of two runs."""
        return self._call("GET", path_of("runs", run_id, "diff", self.whole_run_id(other)))

    def last_passed(self, run_id: str) -> str | None:
        """The newest run of the same pipeline that succeeded before this one."""
        found = self._call("GET", path_of("runs", run_id, "last-passed"))["run_id"]
        return str(found) if found else None
