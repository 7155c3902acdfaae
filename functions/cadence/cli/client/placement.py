"""Requests about pools."""

from cadence.cli.client.session import ApiSession, Json, path_of


class PlacementRequests(ApiSession):
    """Requests about pools."""

    def pools(self) -> Json:
        return self._call("GET", path_of("pools"))["items"]

    def pool(self, name: str) -> Json:
        return self._call("GET", path_of("pools", name))

    def put_pool(self, name: str, body: Json) -> Json:
        return self._call("PUT", path_of("pools", name), body)

    def probe_pool(self, name: str) -> Json:
        return self._call("POST", path_of("pools", name, "probe"))

    def delete_pool(self, name: str, *, abandon: bool = False) -> None:
        self._call("DELETE", path_of("pools", name) + ("?abandon=true" if abandon else ""))
