"""Requests about repositories that are connected to projects."""

from cadence.cli.client.session import ApiSession, Json, path_of


class RepositoryRequests(ApiSession):
    """Requests about repositories that are connected to projects."""

    def repositories(self) -> Json:
        return self._call("GET", path_of("repositories"))["items"]

    def connect_repository(
        self,
        url: str,
        token: str | None,
        kind: str | None = None,
        forks: str = "base",
        public_url: str | None = None,
        app: str | None = None,
    ) -> Json:
        body: Json = {"project": self.project, "url": url, "token": token, "kind": kind, "forks": forks}
        return self._call("POST", path_of("repositories"), {**body, "public_url": public_url, "app": app})

    def rotate_repository(self, repository_id: str, token: str | None) -> Json:
        return self._call("POST", path_of("repositories", repository_id, "rotate"), {"token": token})

    def disconnect_repository(self, repository_id: str, force: bool) -> Json:
        params = {"force": "true"} if force else {}
        return self._call("DELETE", path_of("repositories", repository_id), params=params)

    def repository_checks(self, repository_id: str) -> Json:
        return self._call("GET", path_of("repositories", repository_id, "checks"))

    def repository_deliveries(self, repository_id: str, limit: int) -> Json:
        found = self._call("GET", path_of("repositories", repository_id, "deliveries"), params={"limit": limit})
        return found["items"]

    def github_apps(self) -> Json:
        return self._call("GET", path_of("github-apps"))["items"]

    def prepare_github_app(self, body: Json) -> Json:
        return self._call("POST", path_of("github-apps", "manifest"), {"project": self.project, **body})

    def register_github_app(self, app_id: str, code: str, origin: str, public_url: str) -> Json:
        body = {"project": self.project, "id": app_id, "code": code, "origin": origin, "public_url": public_url}
        return self._call("POST", path_of("github-apps"), body)

    def rotate_github_app(self, app_id: str, private_key: str | None) -> Json:
        return self._call("POST", path_of("github-apps", app_id, "rotate"), {"private_key": private_key})

    def delete_github_app(self, app_id: str) -> None:
        self._call("DELETE", path_of("github-apps", app_id))
