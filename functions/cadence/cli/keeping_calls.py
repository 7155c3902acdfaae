"""What the commands about kept data ask the API: what was set aside, how long data is kept, who asked for what."""

from typing import Any

from cadence.cli.api_session import ApiSession, Json, path_of


class KeepingCalls(ApiSession):
    def aside(self, kind: str | None = None, project: str | None = None) -> Json:
        return self._call("GET", path_of("aside"), params={"kind": kind, "project": project})["items"]

    def show_aside(self, aside_id: str) -> Json:
        return self._call("GET", path_of("aside", aside_id))

    def redrive_aside(self, aside_id: str) -> Json:
        return self._call("POST", path_of("aside", aside_id, "redrive"))

    def discard_aside(self, aside_id: str) -> None:
        self._call("DELETE", path_of("aside", aside_id))

    def retention(self) -> Json:
        return self._call("GET", path_of("projects", self.project, "retention"))

    def put_retention(self, days: int | None) -> Json:
        return self._call("PUT", path_of("projects", self.project, "retention"), {"days": days})

    def audit(self, limit: int, cursor: str | None = None) -> Json:
        query: dict[str, Any] = {"limit": limit, "cursor": cursor}
        return self._call("GET", path_of("audit"), params=query)
