"""Requests about results of tests."""

from cadence.cli.client.session import ApiSession, Json, path_of


class CaseRequests(ApiSession):
    """Requests about results of tests."""

    def run_tests(self, run_id: str, outcome: str, order: str, treatment: str | None, limit: int) -> Json:
        """Returns the counts of a run's tests, and the first `limit` tests that are selected."""
        params = {"outcome": outcome, "order": order, "treatment": treatment, "limit": min(limit, 200)}
        answer = self._call("GET", path_of("runs", run_id, "tests"), params=params)
        while answer["next"] is not None and len(answer["items"]) < limit:
            more = {**params, "limit": min(limit - len(answer["items"]), 200), "cursor": answer["next"]}
            page = self._call("GET", path_of("runs", run_id, "tests"), params=more)
            answer = {**page, "items": [*answer["items"], *page["items"]]}
        return answer

    def branch_tests(self, pipeline: str, repository: str, branch: str) -> Json:
        params = {"repository": repository, "branch": branch}
        return self._call("GET", path_of("projects", self.project, "pipelines", pipeline, "tests"), params=params)
