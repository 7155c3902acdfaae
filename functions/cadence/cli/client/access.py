"""Requests about secrets, tokens, projects and the audit log."""

from collections.abc import Mapping
from typing import Any

from cadence.cli.client.session import ApiSession, Json, path_of


class AccessRequests(ApiSession):
    """Requests about secrets, tokens, projects and the audit log."""

    def secrets(self) -> Json:
        """The secrets that the project may use."""
        return self._call("GET", self._in_project("secrets"))["items"]

    def shared_secrets(self) -> Json:
        """The secrets of the organization, its teams and its pools."""
        return self._call("GET", path_of("secrets"))["items"]

    def set_secret(self, name: str, body: Mapping[str, Any], owner: tuple[str, ...] | None = None) -> Json:
        """Sets a secret. `body` has its `value` or `source`, and what it is bound or given to if that changes.

        `owner` is None for the project, `()` for the organization, or such as `("teams", "dev")`.
        """
        return self._call("PUT", self._secret(name, owner), body)

    def delete_secret(self, name: str, owner: tuple[str, ...] | None = None) -> None:
        """Deletes a secret; `owner` as in `set_secret`."""
        self._call("DELETE", self._secret(name, owner))

    def _secret(self, name: str, owner: tuple[str, ...] | None) -> str:
        return self._in_project("secrets", name) if owner is None else path_of(*owner, "secrets", name)

    def tokens(self) -> Json:
        return self._call("GET", path_of("tokens"))["items"]

    def create_token(
        self, name: str, permissions: list[str], project: str = "*", expires_in: int | None = None
    ) -> Json:
        body = {"name": name, "permissions": permissions, "project": project, "expires_in": expires_in}
        return self._call("POST", path_of("tokens"), body)

    def delete_token(self, token_id: str) -> None:
        self._call("DELETE", path_of("tokens", token_id))

    def token_policy(self) -> Json:
        return self._call("GET", path_of("organizations", "token-policy"))

    def set_token_policy(self, longest_days: int | None) -> Json:
        """Sets how many days tokens may live that are created from now on; None for tokens without an end."""
        return self._call("PUT", path_of("organizations", "token-policy"), {"longest_days": longest_days})

    def sign_in_code(self) -> Json:
        """A code that opens one session of a browser, as this client's token, within a minute."""
        return self._call("POST", path_of("sessions", "codes"))

    def audit(self, limit: int, filters: Mapping[str, str | None], cursor: str | None = None) -> Json:
        """Entries of the audit log. Filters: kind, actor, action, outcome, target, project, since, until."""
        return self._call("GET", path_of("audit"), params={"limit": limit, "cursor": cursor, **filters})

    def audit_chain(self, after: int) -> Json:
        """A page of chained records of the audit log, and the end of the chain."""
        return self._call("GET", path_of("audit", "chain"), params={"after": str(after)})

    def projects(self) -> Json:
        return self._call("GET", path_of("projects"))["items"]

    def create_project(self, name: str) -> Json:
        return self._call("POST", path_of("projects"), {"name": name})

    def count_project(self, name: str) -> Json:
        """What deleting a project would remove, by kind."""
        return self._call("DELETE", path_of("projects", name), params={"dry_run": "true"})

    def delete_project(self, name: str) -> Json:
        return self._call("DELETE", path_of("projects", name), params={"confirm": name})

    def project_deletions(self) -> Json:
        return self._call("GET", path_of("project-deletions"))["items"]

    def project_deletion(self, deletion_id: str) -> Json:
        return self._call("GET", path_of("project-deletions", deletion_id))

    def holds(self, project: str) -> Json:
        """The legal holds on a project and its runs, the newest first."""
        return self._call("GET", path_of("projects", project, "holds"))["items"]

    def set_hold(self, project: str, reason: str, run_id: str | None) -> Json:
        return self._call("POST", path_of("projects", project, "holds"), {"reason": reason, "run_id": run_id})

    def release_hold(self, project: str, hold_id: str) -> Json:
        return self._call("DELETE", path_of("projects", project, "holds", hold_id))
