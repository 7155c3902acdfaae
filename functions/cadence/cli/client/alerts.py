"""Requests about alerts: rules, channels and silences."""

from typing import Any

from cadence.cli.client.session import ApiSession, Json, path_of


class AlertRequests(ApiSession):
    """Requests about one rule, channel or silence are for `project` (`*`: the organization); lists cover all that the
    token may read.
    """

    def alerts(self, state: str | None = None) -> Json:
        return self._alert_items("alerts", state=state)

    def alert_rules(self) -> Json:
        return self._alert_items("alerts", "rules")

    def alert_rule(self, name: str) -> Json:
        return self._call("GET", self._alert_path("rules", name))

    def put_alert_rule(self, name: str, rule: Json) -> Json:
        return self._call("PUT", self._alert_path("rules", name), {"rule": rule})

    def delete_alert_rule(self, name: str) -> None:
        self._call("DELETE", self._alert_path("rules", name))

    def test_alert_rule(self, name: str) -> Json:
        return self._call("POST", self._alert_path("rules", name) + "/test")

    def dry_run(self, rule: Json, since: int) -> Json:
        return self._call(
            "POST", path_of("alerts", "dry-runs"), {"project": self.project, "rule": rule, "since": since}
        )

    def channels(self) -> Json:
        return self._alert_items("alerts", "channels")

    def channel(self, name: str) -> Json:
        return self._call("GET", self._alert_path("channels", name))

    def put_channel(self, name: str, kind: str, settings: Json, secret: str | None = None) -> Json:
        body = {"kind": kind, "settings": settings, "secret": secret}
        return self._call("PUT", self._alert_path("channels", name), body)

    def delete_channel(self, name: str) -> None:
        self._call("DELETE", self._alert_path("channels", name))

    def test_channel(self, name: str) -> Json:
        return self._call("POST", self._alert_path("channels", name) + "/test")

    def silences(self) -> Json:
        return self._alert_items("alerts", "silences")

    def create_silence(self, where: Json, ends_at: str, comment: str = "") -> Json:
        body = {"project": self.project, "where": where, "ends_at": ends_at, "comment": comment}
        return self._call("POST", path_of("alerts", "silences"), body)

    def delete_silence(self, silence_id: str) -> None:
        self._call("DELETE", self._alert_path("silences", silence_id))

    def _alert_items(self, *parts: str, **filters: Any) -> Json:
        return self._call("GET", path_of(*parts), params=filters)["items"]

    def _alert_path(self, kind: str, name: str) -> str:
        return path_of("alerts", kind, self.project, name)
