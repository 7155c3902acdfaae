"""Requests about dead letters."""

from cadence.cli.client.session import ApiSession, Json, path_of


class DeadLetterRequests(ApiSession):
    """Requests about dead letters."""

    def dead_letters(self, kind: str | None = None, project: str | None = None) -> Json:
        return self._call("GET", path_of("dead-letters"), params={"kind": kind, "project": project})["items"]

    def dead_letter(self, dead_letter_id: str) -> Json:
        return self._call("GET", path_of("dead-letters", dead_letter_id))

    def redrive_dead_letter(self, dead_letter_id: str) -> Json:
        return self._call("POST", path_of("dead-letters", dead_letter_id, "redrive"))

    def discard_dead_letter(self, dead_letter_id: str) -> None:
        self._call("DELETE", path_of("dead-letters", dead_letter_id))
