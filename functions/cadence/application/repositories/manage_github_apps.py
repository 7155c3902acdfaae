"""Registers GitHub Apps by their manifests, renews their secrets and removes them."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cadence.application.repositories.github_app_ports import AppHosts, GitHubAppStore
from cadence.application.repositories.github_app_tokens import AppKeys, AppTokens
from cadence.application.repositories.ports import RepositoryStore
from cadence.application.shared.identifiers import new_ulid
from cadence.application.shared.ports import Clock
from cadence.domain.access.access import Project
from cadence.domain.repositories.github_app import (
    APP_PREFIX,
    GitHubApp,
    app_manifest,
    github_api,
    registration_page,
)
from cadence.domain.shared.errors import Conflict, InvalidRequest, NotFound, Violation


@dataclass(frozen=True, kw_only=True)
class PreparedApp:
    """What a browser sends to GitHub, as the field `manifest` of a form, so that it registers an App."""

    app_id: str
    page: str
    manifest: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ManageGitHubApps:
    """Manages the Apps of projects."""

    apps: GitHubAppStore
    repositories: RepositoryStore
    keys: AppKeys
    hosts: AppHosts
    tokens: AppTokens
    clock: Clock

    def prepare(self, origin: str, account: str | None, name: str, public_url: str, redirect_url: str) -> PreparedApp:
        """Returns what registers an App of the user who is signed in at GitHub, or of an organization there.

        Nothing is stored. Raises InvalidRequest for a name that no account has.
        """
        app_id = APP_PREFIX + new_ulid(self.clock()).lower()
        try:
            page = registration_page(origin, account)
        except ValueError:
            message = f"{account!r} is no name of an organization on GitHub."
            raise InvalidRequest(message, [Violation("/account", message)]) from None
        return PreparedApp(app_id=app_id, page=page, manifest=app_manifest(name, app_id, public_url, redirect_url))

    def register(
        self, project: Project, app_id: str, origin: str, code: str, public_url: str, created_by: str
    ) -> GitHubApp:
        """Stores the App that GitHub has registered, with the credentials that it gives for `code` once.

        Raises InvalidRequest if the code is unknown or expired, Conflict if there is an App with this id.
        """
        try:
            registered = self.hosts.register(github_api(origin), code)
        except NotFound:
            message = "GitHub does not know the code. A code is valid for an hour, and once: register the App again."
            raise InvalidRequest(message, [Violation("/code", message, "refused")]) from None
        app = GitHubApp(
            app_id=app_id,
            organization=project.organization,
            project=project.name,
            origin=origin,
            public_url=public_url,
            number=registered.number,
            slug=registered.slug,
            name=registered.name,
            url=registered.url,
            created_at=self.clock(),
            created_by=created_by,
        )
        secret = registered.webhook_secret or secrets.token_urlsafe(32)
        self.apps.add_app(app, self.keys.encrypted(app_id, secret, registered.private_key))
        if registered.webhook_secret is None:
            self.tokens.open(app).set_webhook(app.webhook_url, secret)
        return app

    def rotate(self, app: GitHubApp, private_key: str | None) -> None:
        """Renews the webhook's secret, and replaces the private key if one is given.

        GitHub has no call that renews a private key: it is generated on the App's page. Webhooks that arrive between
        the two writes are refused; the reconciler starts what they would have started. Raises InvalidRequest if GitHub
        does not accept the key.
        """
        key = private_key or self.keys.private_key(app.app_id, self.apps.app_secrets(app.app_id))
        host = self.hosts.open(app.api_url, app.number, key)
        host.webhook_url()  # GitHub refuses here, before anything is changed
        secret = secrets.token_urlsafe(32)
        self.apps.replace_app_secrets(app, self.keys.encrypted(app.app_id, secret, key))
        host.set_webhook(app.webhook_url, secret)

    def remove(self, app: GitHubApp) -> None:
        """Forgets an App. On GitHub it stays until it is deleted there. Raises Conflict while it is in use."""
        used = [one.name for one in self.repositories.list_repositories(app.organization) if one.app_id == app.app_id]
        if used:
            raise Conflict(f"Disconnect the repositories of the App {app.name} first: {', '.join(used[:10])}.")
        self.apps.remove_app(app)
