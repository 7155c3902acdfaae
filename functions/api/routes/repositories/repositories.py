"""Repositories that are connected to projects: their pushes and pull requests start the pipelines in them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, SecretStr, StringConstraints

from api.endpoint import Body, Call, Endpoints, Model
from api.routes.alerts.alerting_access import author
from api.routes.repositories.github_apps import AppId, readable_app
from api.shapes import Limit, Name
from api.visibility import visible
from cadence.composition.api import Services
from cadence.domain.access.access import Permission
from cadence.domain.repositories.github_app import app_webhook_url
from cadence.domain.repositories.repository import ForkPolicy, Repository, read_address
from cadence.domain.shared.errors import InvalidRequest, Violation
from cadence.domain.triggers.githost import GitHostKind

endpoints = Endpoints("repositories")

Token = Annotated[SecretStr, StringConstraints(min_length=1, max_length=1_000)]


class RepositoryBody(Body):
    """`kind` is needed for code hosts other than the public ones.

    `token` administers the repository's webhooks, reads its commits, and writes statuses and comments. It is stored
    encrypted and never shown. With `app` a GitHub App of the project takes its place.
    """

    project: Name
    url: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    token: Token | None = None
    app: AppId | None = Field(None, description="The id of a GitHub App of the project, instead of a token.")
    kind: Literal["github", "gitlab", "gitea", "bitbucket"] | None = None
    forks: Literal["base", "approval", "first-time", "nothing"] = Field(
        "base",
        description="What pull requests from forks start: the pipelines of the branch that they are for (`approval`: "
        "once a comment has approved the commit; `first-time`: the same, but only for authors who have not contributed "
        "before), or nothing.",
    )
    public_url: Annotated[str, StringConstraints(pattern=r"^https?://[^@?#\s]+$", max_length=300)] | None = Field(
        None, description="The address at which the code host reaches this API; by default the one of this request."
    )


class RotateBody(Body):
    """Without `token` the token stays, and only the webhook's secret is renewed."""

    token: Token | None = None


class RepositoryView(Model):
    id: str
    kind: str
    project: str
    name: str = Field(description="Its full name on the code host.")
    url: str
    default_branch: str
    forks: str
    webhook_url: str
    webhook_id: str | None = Field(
        description="The code host's id of the webhook; null while it is missing, and with an App."
    )
    app: str | None = Field(description="The id of the GitHub App that it is connected with; null with a token.")
    created_at: datetime
    created_by: str


class RepositoryList(Model):
    items: list[RepositoryView]
    next: str | None = None


class DisconnectQuery(Model):
    force: bool = Field(False, description="Disconnect also if the code host refuses to remove the webhook.")


class DisconnectedView(Model):
    webhook_remains: str | None = Field(description="Why the webhook may remain on the code host; null if it does not.")


class RepositoryCheckView(Model):
    name: str
    ok: bool
    message: str


class RepositoryChecksView(Model):
    ok: bool
    checks: list[RepositoryCheckView]


class DeliveriesQuery(Model):
    limit: Limit = 50


class RepositoryDeliveryView(Model):
    id: str
    received_at: datetime
    event: str
    ref: str
    commit: str
    outcome: str
    runs: list[str]


class RepositoryDeliveryList(Model):
    items: list[RepositoryDeliveryView]
    next: str | None = None


@endpoints.add(
    "POST",
    "/v1/repositories",
    Permission.REPOSITORIES_WRITE,
    answers={201: RepositoryView},
    errors=(404, 409, 413, 415, 422, 503),
)
def connect_repository(call: Call, services: Services, body: RepositoryBody) -> RepositoryView:
    """Connects a repository to a project, and creates its webhook on the code host, unless an App has one."""
    project = services.project(call.by, body.project)
    address = read_address(body.url, GitHostKind(body.kind) if body.kind else None)
    if body.app is not None and body.token is None:
        app = readable_app(call, services, body.app)
        forks = ForkPolicy(body.forks)
        return _view(services.repositories.connect_with_app.connect(project, address, app, call.by.name, forks))
    if body.token is None or body.app is not None:
        message = "Give an access token, or a GitHub App that is installed on the repository."
        raise InvalidRequest(message, [Violation("/token", message)])
    by = author(call)
    public_url = (body.public_url or by.address or "").rstrip("/")
    if not public_url:
        message = "Give the address at which the code host reaches this API: the request does not show it."
        raise InvalidRequest(message, [Violation("/public_url", message)])
    connected = services.repositories.connect.connect(
        project, address, body.token.get_secret_value(), public_url, call.by.name, ForkPolicy(body.forks)
    )
    return _view(connected)


@endpoints.add("GET", "/v1/repositories", Permission.REPOSITORIES_READ, answers={200: RepositoryList})
def list_repositories(call: Call, services: Services) -> RepositoryList:
    """Lists the repositories of the projects that the token may read."""
    found = services.repositories.store.list_repositories(call.by.organization)
    return RepositoryList(items=[_view(one) for one in found if call.by.sees(one.organization, one.project)])


@endpoints.add(
    "GET", "/v1/repositories/{repository}", Permission.REPOSITORIES_READ, answers={200: RepositoryView}, errors=(404,)
)
def show_repository(call: Call, services: Services, repository: str) -> RepositoryView:
    """Shows a repository, without its credentials."""
    return _view(_repository(call, services, repository))


@endpoints.add(
    "POST",
    "/v1/repositories/{repository}/rotate",
    Permission.REPOSITORIES_WRITE,
    answers={200: RepositoryView},
    errors=(404, 409, 413, 415, 422, 503),
)
def rotate_repository(call: Call, services: Services, repository: str, body: RotateBody) -> RepositoryView:
    """Renews the webhook's secret and creates a missing webhook; replaces the token if one is given."""
    token = body.token.get_secret_value() if body.token else None
    return _view(services.repositories.connect.rotate(_repository(call, services, repository), token))


@endpoints.add(
    "DELETE",
    "/v1/repositories/{repository}",
    Permission.REPOSITORIES_WRITE,
    answers={200: DisconnectedView},
    errors=(404, 422, 503),
)
def disconnect_repository(call: Call, services: Services, repository: str, query: DisconnectQuery) -> DisconnectedView:
    """Disconnects a repository: removes its webhook and its credentials. Its runs stay."""
    found = _repository(call, services, repository)
    return DisconnectedView(webhook_remains=services.repositories.connect.disconnect(found, force=query.force))


@endpoints.add(
    "GET",
    "/v1/repositories/{repository}/checks",
    Permission.REPOSITORIES_READ,
    answers={200: RepositoryChecksView},
    errors=(404,),
)
def check_repository(call: Call, services: Services, repository: str) -> RepositoryChecksView:
    """Checks address, token, rights, webhook, deliveries and reports, and states what to do about each fault."""
    checks = services.repositories.examine.examine(_repository(call, services, repository))
    views = [RepositoryCheckView(name=one.name, ok=one.ok, message=one.message) for one in checks]
    return RepositoryChecksView(ok=all(view.ok for view in views), checks=views)


@endpoints.add(
    "GET",
    "/v1/repositories/{repository}/deliveries",
    Permission.REPOSITORIES_READ,
    answers={200: RepositoryDeliveryList},
    errors=(404, 422),
)
def list_repository_deliveries(
    call: Call, services: Services, repository: str, query: DeliveriesQuery
) -> RepositoryDeliveryList:
    """Lists the newest webhooks of the last 30 days, each with the runs that it started or why it started none."""
    found = _repository(call, services, repository)
    deliveries = services.repositories.store.list_deliveries(found.repository_id, query.limit)
    return RepositoryDeliveryList(
        items=[
            RepositoryDeliveryView(
                id=one.delivery_id,
                received_at=one.received_at,
                event=one.event,
                ref=one.ref,
                commit=one.commit,
                outcome=one.outcome,
                runs=list(one.runs),
            )
            for one in deliveries
        ]
    )


def _repository(call: Call, services: Services, repository_id: str) -> Repository:
    """Returns a repository that the token may see. Raises NotFound, in the same words, for all others."""
    return visible(
        f"repository {repository_id!r}",
        lambda: services.repositories.store.get_repository(repository_id),
        lambda repository: call.by.sees(repository.organization, repository.project),
    )


def _view(repository: Repository) -> RepositoryView:
    return RepositoryView(
        id=repository.repository_id,
        kind=str(repository.kind),
        project=repository.project,
        name=repository.name,
        url=repository.url,
        default_branch=repository.default_branch,
        forks=str(repository.forks),
        webhook_url=repository.webhook_url
        if repository.app_id is None
        else app_webhook_url(repository.public_url, repository.app_id),
        webhook_id=repository.webhook_id,
        app=repository.app_id,
        created_at=repository.created_at,
        created_by=repository.created_by,
    )
