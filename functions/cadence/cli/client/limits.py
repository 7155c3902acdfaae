"""Requests about environments, approvals and quotas."""

from cadence.cli.client.session import ApiSession, Json, path_of


class LimitRequests(ApiSession):
    """Requests about environments, approvals and quotas."""

    def environments(self) -> Json:
        return self._call("GET", self._in_project("environments"))["items"]

    def put_environment(self, name: str, body: Json) -> Json:
        return self._call("PUT", self._in_project("environments", name), body)

    def delete_environment(self, name: str) -> None:
        self._call("DELETE", self._in_project("environments", name))

    def decide(self, run_id: str, treatment: str, decision: str, comment: str = "") -> Json:
        body = {"decision": decision, "comment": comment}
        return self._call("POST", path_of("runs", run_id, "treatments", treatment, "approval"), body, repeatable=True)

    def approval_link(self, run_id: str, treatment: str) -> Json:
        return self._call("POST", path_of("runs", run_id, "treatments", treatment, "approval-links"))

    def quotas(self) -> Json:
        return self._call("GET", path_of("organizations", "quotas"))

    def put_quotas(self, quotas: Json) -> Json:
        return self._call("PUT", path_of("organizations", "quotas"), quotas)

    def approvals(self, project: str | None = None) -> Json:
        """The treatments that wait for an approval."""
        return self._call("GET", path_of("approvals"), params={"project": project})["items"]
