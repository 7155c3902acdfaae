"""GitHub Apps of projects: repositories that they are installed on are connected without a token."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, SecretStr, StringConstraints

from api.endpoint import Body, Call, Endpoints, Model, Reply
from api.routes.alerts.alerting_access import author
from api.shapes import Name
from api.visibility import visible
from cadence.composition.api import Services
from cadence.domain.access.access import Permission
from cadence.domain.repositories.github_app import LONGEST_NAME, GitHubApp
from cadence.domain.repositories.repository import read_address
from cadence.domain.shared.errors import InvalidRequest, Violation
from cadence.domain.triggers.githost import GitHostKind

endpoints = Endpoints("repositories")

AppId = Annotated[str, StringConstraints(pattern=r"^a-[0-9a-z]{26}$")]
PublicUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^@?#\s]+$", max_length=300)]
Origin = Annotated[str, StringConstraints(pattern=r"^https?://[^@?#\s]+$", max_length=300)]


class PrepareAppBody(Body):
    """`account` is an organization on GitHub; without it the App is one of the user who is signed in there."""

    project: Name
    redirect_url: PublicUrl = Field(description="Where GitHub sends the browser, with `code` and `state`.")
    name: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_NAME)] = Field(
        "Cadence", description="It has to be unique on GitHub, which lets the user change it."
    )
    account: Annotated[str, StringConstraints(min_length=1, max_length=39)] | None = None
    origin: Origin = "https://github.com"
    public_url: PublicUrl | None = Field(
        None, description="The address at which GitHub reaches this API; by default the one of this request."
    )


class PreparedAppView(Model):
    id: str
    page: str = Field(description="The address to which a browser sends the manifest, as the field of a form.")
    manifest: dict[str, Any]
    public_url: str


class RegisterAppBody(Body):
    """`code` is what GitHub gave for the manifest with this `id`, at most an hour ago."""

    project: Name
    id: AppId
    code: Annotated[SecretStr, StringConstraints(min_length=1, max_length=200)]
    origin: Origin = "https://github.com"
    public_url: PublicUrl


class RotateAppBody(Body):
    """Without `private_key` (PEM) the key stays, and only the webhook's secret is renewed."""

    private_key: Annotated[SecretStr, StringConstraints(min_length=1, max_length=4_000)] | None = None


class GitHubAppView(Model):
    id: str
    project: str
    name: str
    number: int = Field(description="GitHub's id of the App.")
    url: str
    origin: str
    installation_url: str = Field(description="The page on which the App is installed on repositories.")
    webhook_url: str
    created_at: datetime
    created_by: str


class GitHubAppList(Model):
    items: list[GitHubAppView]
    next: str | None = None


@endpoints.add(
    "POST",
    "/v1/github-apps/manifest",
    Permission.REPOSITORIES_WRITE,
    answers={200: PreparedAppView},
    errors=(404, 413, 415, 422),
)
def prepare_github_app(call: Call, services: Services, body: PrepareAppBody) -> PreparedAppView:
    """Returns the manifest that registers a GitHub App. Nothing is stored."""
    services.project(call.by, body.project)
    public_url = (body.public_url or author(call).address or "").rstrip("/")
    if not public_url:
        message = "Give the address at which GitHub reaches this API: the request does not show it."
        raise InvalidRequest(message, [Violation("/public_url", message)])
    prepared = services.repositories.manage_apps.prepare(
        _origin(body.origin), body.account, body.name, public_url, body.redirect_url
    )
    return PreparedAppView(
        id=prepared.app_id, page=prepared.page, manifest=dict(prepared.manifest), public_url=public_url
    )


@endpoints.add(
    "POST",
    "/v1/github-apps",
    Permission.REPOSITORIES_WRITE,
    answers={201: GitHubAppView},
    errors=(404, 409, 413, 415, 422, 503),
)
def register_github_app(call: Call, services: Services, body: RegisterAppBody) -> GitHubAppView:
    """Stores the GitHub App that was registered with a manifest, with the credentials that GitHub gives for it."""
    project = services.project(call.by, body.project)
    app = services.repositories.manage_apps.register(
        project,
        body.id,
        _origin(body.origin),
        body.code.get_secret_value(),
        body.public_url.rstrip("/"),
        call.by.author,
    )
    return _view(app)


@endpoints.add("GET", "/v1/github-apps", Permission.REPOSITORIES_READ, answers={200: GitHubAppList})
def list_github_apps(call: Call, services: Services) -> GitHubAppList:
    """Lists the GitHub Apps of the projects that the token may read."""
    found = services.repositories.apps.list_apps(call.by.organization)
    return GitHubAppList(items=[_view(one) for one in found if call.by.sees(one.organization, one.project)])


@endpoints.add(
    "POST",
    "/v1/github-apps/{app}/rotate",
    Permission.REPOSITORIES_WRITE,
    answers={200: GitHubAppView},
    errors=(404, 409, 413, 415, 422, 503),
)
def rotate_github_app(call: Call, services: Services, app: str, body: RotateAppBody) -> GitHubAppView:
    """Renews the secret and the address of the App's webhook; replaces its private key if one is given."""
    found = readable_app(call, services, app)
    key = body.private_key.get_secret_value() if body.private_key else None
    services.repositories.manage_apps.rotate(found, key)
    return _view(found)


@endpoints.add(
    "DELETE",
    "/v1/github-apps/{app}",
    Permission.REPOSITORIES_WRITE,
    answers={204: None},
    errors=(404, 409),
)
def delete_github_app(call: Call, services: Services, app: str) -> Reply:
    """Forgets a GitHub App that no repository is connected with. On GitHub it stays until it is deleted there."""
    services.repositories.manage_apps.remove(readable_app(call, services, app))
    return Reply(None)


def readable_app(call: Call, services: Services, app_id: str) -> GitHubApp:
    """Returns an App that the token may see. Raises NotFound, in the same words, for all others."""
    return visible(
        f"GitHub App {app_id!r}",
        lambda: services.repositories.apps.get_app(app_id),
        lambda app: call.by.sees(app.organization, app.project),
    )


def _origin(url: str) -> str:
    """Returns a GitHub's address without a slash at its end. Raises InvalidRequest for one that is none."""
    return read_address(f"{url.rstrip('/')}/owner/name", GitHostKind.GITHUB).origin


def _view(app: GitHubApp) -> GitHubAppView:
    return GitHubAppView(
        id=app.app_id,
        project=app.project,
        name=app.name,
        number=app.number,
        url=app.url,
        origin=app.origin,
        installation_url=app.installation_page,
        webhook_url=app.webhook_url,
        created_at=app.created_at,
        created_by=app.created_by,
    )
