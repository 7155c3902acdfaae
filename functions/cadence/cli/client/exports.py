"""Requests about exports."""

from cadence.cli.client.session import ApiSession, Json, path_of


class ExportRequests(ApiSession):
    """Requests about exports."""

    def exports(self) -> Json:
        return self._call("GET", path_of("exports"))["items"]

    def export(self, name: str) -> Json:
        return self._call("GET", path_of("exports", name))

    def put_export(self, name: str, body: Json) -> Json:
        return self._call("PUT", path_of("exports", name), body)

    def delete_export(self, name: str) -> None:
        self._call("DELETE", path_of("exports", name))

    def test_export(self, name: str) -> Json:
        return self._call("POST", path_of("exports", name, "test"))

    def export_dead_letters(self, name: str) -> Json:
        return self._call("GET", path_of("exports", name, "dead-letters"))["items"]

    def redrive_export(self, name: str) -> Json:
        return self._call("POST", path_of("exports", name, "redrive"))

    def start_backfill(self, name: str, body: Json) -> Json:
        return self._call("POST", path_of("exports", name, "backfills"), body)

    def backfills(self, name: str) -> Json:
        return self._call("GET", path_of("exports", name, "backfills"))["items"]
