"""Requests about organizations, members, teams, service accounts, roles and grants."""

from typing import Any

from cadence.cli.client.session import ApiSession, Json, path_of


class PeopleRequests(ApiSession):
    """Requests about organizations, members, teams, service accounts, roles and grants."""

    def myself(self) -> Json:
        return self._call("GET", path_of("self"))

    def sign_in_ways(self, organization: str) -> Json:
        return self._call("GET", path_of("sign-in", organization))

    def sign_in(self, organization: str, provider: str, id_token: str, nonce: str | None) -> Json:
        body = {"organization": organization, "provider": provider, "id_token": id_token}
        return self._call("POST", path_of("sign-in"), body if nonce is None else {**body, "nonce": nonce})

    def identity_providers(self) -> Json:
        return self._call("GET", path_of("identity-providers"))["items"]

    def put_identity_provider(self, name: str, provider: dict[str, Any]) -> Json:
        return self._call("PUT", path_of("identity-providers", name), provider)

    def delete_identity_provider(self, name: str) -> None:
        self._call("DELETE", path_of("identity-providers", name))

    def directory_sign_in(self, organization: str, directory: str, user: str, password: str) -> Json:
        body = {"organization": organization, "directory": directory, "user": user, "password": password}
        return self._call("POST", path_of("sign-in", "directory"), body)

    def directories(self) -> Json:
        return self._call("GET", path_of("directories"))["items"]

    def put_directory(self, name: str, directory: dict[str, Any]) -> Json:
        return self._call("PUT", path_of("directories", name), directory)

    def delete_directory(self, name: str) -> None:
        self._call("DELETE", path_of("directories", name))

    def organizations(self) -> Json:
        return self._call("GET", path_of("organizations"))["items"]

    def create_organization(self, name: str, display_name: str = "") -> Json:
        return self._call("POST", path_of("organizations"), {"name": name, "display_name": display_name})

    def rename_organization(self, name: str, display_name: str) -> Json:
        return self._call("PATCH", path_of("organizations", name), {"display_name": display_name})

    def count_organization(self, name: str) -> Json:
        """What deleting an organization would remove, by kind."""
        return self._call("DELETE", path_of("organizations", name), params={"dry_run": "true"})

    def delete_organization(self, name: str) -> Json:
        return self._call("DELETE", path_of("organizations", name), params={"confirm": name})

    def organization_deletions(self) -> Json:
        return self._call("GET", path_of("organization-deletions"))["items"]

    def organization_deletion(self, deletion_id: str) -> Json:
        return self._call("GET", path_of("organization-deletions", deletion_id))

    def members(self) -> Json:
        return self._call("GET", path_of("members"))["items"]

    def member(self, member_id: str) -> Json:
        return self._call("GET", path_of("members", member_id))

    def create_member(self, name: str, email: str, teams: list[str]) -> Json:
        return self._call("POST", path_of("members"), {"name": name, "email": email, "teams": teams})

    def delete_member(self, member_id: str) -> None:
        self._call("DELETE", path_of("members", member_id))

    def invite(self, invitation: dict[str, Any]) -> Json:
        return self._call("POST", path_of("invitations"), invitation)

    def invitations(self) -> Json:
        return self._call("GET", path_of("invitations"))["items"]

    def delete_invitation(self, invitation_id: str) -> None:
        self._call("DELETE", path_of("invitations", invitation_id))

    def accept_invitation(self, code: str, name: str) -> Json:
        return self._call("POST", path_of("accept-invitation"), {"code": code, "name": name})

    def accept_for_team(self, code: str) -> Json:
        return self._call("POST", path_of("accept-invitation", "for-team"), {"code": code})

    def teams(self) -> Json:
        return self._call("GET", path_of("teams"))["items"]

    def team(self, name: str) -> Json:
        return self._call("GET", path_of("teams", name))

    def put_team(self, name: str, description: str, group: str | None, group_source: str | None = None) -> Json:
        team = {"description": description, "group": group, "group_source": group_source}
        return self._call("PUT", path_of("teams", name), team)

    def delete_team(self, name: str) -> None:
        self._call("DELETE", path_of("teams", name))

    def join_team(self, team: str, member_id: str) -> None:
        self._call("PUT", path_of("teams", team, "members", member_id))

    def leave_team(self, team: str, member_id: str) -> None:
        self._call("DELETE", path_of("teams", team, "members", member_id))

    def service_accounts(self) -> Json:
        return self._call("GET", path_of("service-accounts"))["items"]

    def put_service_account(self, name: str, description: str) -> Json:
        return self._call("PUT", path_of("service-accounts", name), {"description": description})

    def delete_service_account(self, name: str) -> None:
        self._call("DELETE", path_of("service-accounts", name))

    def create_service_account_token(self, account: str, name: str, expires_in: int | None) -> Json:
        body = {"name": name, "expires_in": expires_in}
        return self._call("POST", path_of("service-accounts", account, "tokens"), body)

    def roles(self) -> Json:
        return self._call("GET", path_of("roles"))["items"]

    def role(self, name: str) -> Json:
        return self._call("GET", path_of("roles", name))

    def put_role(self, name: str, permissions: list[str]) -> Json:
        return self._call("PUT", path_of("roles", name), {"permissions": permissions})

    def delete_role(self, name: str) -> None:
        self._call("DELETE", path_of("roles", name))

    def grants(self, subject: str | None, scope: str | None) -> Json:
        return self._call("GET", path_of("grants"), params={"subject": subject, "scope": scope})["items"]

    def create_grant(self, subject: str, role: str, scope: str) -> Json:
        return self._call("POST", path_of("grants"), {"subject": subject, "role": role, "scope": scope})

    def delete_grant(self, grant_id: str) -> None:
        self._call("DELETE", path_of("grants", grant_id))

    def explain_access(self, subject: str, permission: str, thing: str) -> Json:
        query = {"subject": subject, "permission": permission, "thing": thing}
        return self._call("GET", path_of("grants", "explanation"), params=query)
