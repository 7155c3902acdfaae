"""Requests about git hosts, whose webhooks start runs."""

from cadence.cli.client.session import ApiSession, Json, path_of


class TriggerRequests(ApiSession):
    """Requests about git hosts, whose webhooks start runs."""

    def githosts(self) -> Json:
        return self._call("GET", path_of("githosts"))["items"]

    def create_githost(
        self,
        kind: str,
        name: str,
        webhook_secret: str | None = None,
        url: str | None = None,
        access_token: str | None = None,
        programs: bool = False,
    ) -> Json:
        body: Json = {"kind": kind, "project": self.project, "name": name, "webhook_secret": webhook_secret}
        body |= {"url": url, "access_token": access_token, "programs": programs}
        return self._call("POST", path_of("githosts"), body)

    def rotate_webhook_secret(self, githost_id: str, webhook_secret: str | None) -> Json:
        """Replaces the secret; `None` lets the API generate it."""
        return self._call("PUT", path_of("githosts", githost_id, "webhook-secret"), {"webhook_secret": webhook_secret})

    def rotate_access_token(self, githost_id: str, access_token: str | None) -> Json:
        """Replaces the token; `None` removes it."""
        return self._call("PUT", path_of("githosts", githost_id, "access-token"), {"access_token": access_token})

    def event_deliveries(self, githost_id: str, limit: int) -> Json:
        return self._call("GET", path_of("githosts", githost_id, "deliveries"), params={"limit": limit})["items"]

    def delete_githost(self, githost_id: str) -> None:
        self._call("DELETE", path_of("githosts", githost_id))
