"""Git hosts and other senders of webhooks."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, SecretStr, StringConstraints

from api.endpoint import Body, Call, Endpoints, Model, Reply
from api.shapes import Limit, Name
from cadence.composition.api import Services
from cadence.domain.access.access import Permission
from cadence.domain.shared.errors import NotFound
from cadence.domain.triggers.githost import GitHost, webhook_kind

endpoints = Endpoints("githosts")


class GitHostBody(Body):
    """Without `webhook_secret` one is generated and returned, this once.

    The kind `generic` is any sender of Standard Webhooks or CloudEvents, which start pipelines with `on.webhook`. It
    has only a name and a secret.

    `access_token` lets Cadence read private repositories below `url`, to see which files a push changed; it is never
    shown.
    """

    kind: Literal["github", "gitlab", "gitea", "bitbucket", "generic"]
    project: Name
    name: Name
    webhook_secret: Annotated[SecretStr, StringConstraints(min_length=16, max_length=500)] | None = None
    url: Annotated[str, StringConstraints(pattern=r"^https?://[^/@?#\s]+/?$", max_length=300)] | None = None
    access_token: Annotated[SecretStr, StringConstraints(min_length=1, max_length=1000)] | None = None
    programs: bool = Field(
        False, description="Whether a push runs the Mélodium program in the repository's .melodium-ci."
    )


class GitHostView(Model):
    id: str
    kind: str
    project: str
    name: str
    created_at: datetime
    url: str | None = Field(description="Where its repositories are; its access token is sent nowhere else.")
    programs: bool
    webhook_path: str = Field(description="Where the git host has to send its webhooks, below this API's address.")


class GitHostWithSecretView(GitHostView):
    webhook_secret: str | None = Field(description="The secret, if it was made up here. It cannot be read again.")


class GitHostList(Model):
    items: list[GitHostView]
    next: str | None = None


@endpoints.add(
    "POST",
    "/v1/githosts",
    Permission.GITHOSTS_WRITE,
    answers={201: GitHostWithSecretView},
    errors=(404, 409, 413, 415, 422),
    at="project",
)
def add_githost(call: Call, services: Services, body: GitHostBody) -> GitHostWithSecretView:
    """Registers a git host, so that its webhooks start runs of a project's pipelines."""
    project = services.project(call.by, body.project)
    given_secret = body.webhook_secret.get_secret_value() if body.webhook_secret else None
    token = body.access_token.get_secret_value() if body.access_token else None
    kind = webhook_kind(body.kind)
    githost, secret = services.add_githost.add(
        project.organization,
        project.name,
        kind,
        body.name,
        given_secret,
        body.url and body.url.rstrip("/"),
        token,
        programs=body.programs,
    )
    return GitHostWithSecretView(**_view(githost).model_dump(), webhook_secret=None if given_secret else secret)


@endpoints.add("GET", "/v1/githosts", Permission.GITHOSTS_READ, answers={200: GitHostList})
def list_githosts(call: Call, services: Services) -> GitHostList:
    """Lists the git hosts of the projects that the token may read."""
    githosts = services.access.list_githosts(call.by.organization)
    return GitHostList(items=[_view(host) for host in githosts if call.by.sees(host.organization, host.project)])


class WebhookSecretBody(Body):
    """Without `webhook_secret` one is generated and returned, this once."""

    webhook_secret: Annotated[SecretStr, StringConstraints(min_length=16, max_length=500)] | None = None


class EventDeliveriesQuery(Model):
    limit: Limit = 50


class EventDeliveryView(Model):
    id: str
    received_at: datetime
    event: str = Field(description="The event's type; empty if the sender does not name one.")
    outcome: str
    runs: list[str]


class EventDeliveryList(Model):
    items: list[EventDeliveryView]


class AccessTokenBody(Body):
    access_token: Annotated[SecretStr, StringConstraints(min_length=1, max_length=1000)] | None = Field(
        description="Null removes the token."
    )


@endpoints.add(
    "PUT",
    "/v1/githosts/{githost}/webhook-secret",
    Permission.GITHOSTS_WRITE,
    answers={200: GitHostWithSecretView},
    errors=(404, 413, 415, 422),
)
def rotate_webhook_secret(
    call: Call, services: Services, githost: str, body: WebhookSecretBody
) -> GitHostWithSecretView:
    """Replaces the webhook secret of a git host. Deliveries signed with the former one are refused from now on."""
    found = _seen(call, services, githost)
    given = body.webhook_secret.get_secret_value() if body.webhook_secret else None
    secret = services.rotate_githost.webhook_secret(found, given)
    return GitHostWithSecretView(**_view(found).model_dump(), webhook_secret=None if given else secret)


@endpoints.add(
    "PUT",
    "/v1/githosts/{githost}/access-token",
    Permission.GITHOSTS_WRITE,
    answers={200: GitHostView},
    errors=(404, 413, 415, 422),
)
def rotate_access_token(call: Call, services: Services, githost: str, body: AccessTokenBody) -> GitHostView:
    """Replaces or removes the token with which the repositories of a git host are read."""
    found = _seen(call, services, githost)
    services.rotate_githost.access_token(found, body.access_token.get_secret_value() if body.access_token else None)
    return _view(found)


@endpoints.add(
    "GET",
    "/v1/githosts/{githost}/deliveries",
    Permission.GITHOSTS_READ,
    answers={200: EventDeliveryList},
    errors=(404, 422),
)
def list_event_deliveries(
    call: Call, services: Services, githost: str, query: EventDeliveriesQuery
) -> EventDeliveryList:
    """Lists the newest webhooks of a sender of the kind `generic`, with their runs or why they started none.

    Those of the last 30 days are kept. Of other kinds the list is empty: the git host lists its deliveries itself.
    """
    found = _seen(call, services, githost)
    deliveries = services.event_deliveries.list_event_deliveries(found.githost_id, query.limit)
    return EventDeliveryList(
        items=[
            EventDeliveryView(
                id=one.delivery_id,
                received_at=one.received_at,
                event=one.event,
                outcome=one.outcome,
                runs=list(one.runs),
            )
            for one in deliveries
        ]
    )


@endpoints.add("DELETE", "/v1/githosts/{githost}", Permission.GITHOSTS_WRITE, answers={204: None}, errors=(404,))
def delete_githost(call: Call, services: Services, githost: str) -> Reply:
    """Deletes a git host with its secrets. Its webhooks are refused from now on."""
    found = _seen(call, services, githost)
    services.access.delete_githost(found.organization, found.githost_id)
    return Reply(None)


def _seen(call: Call, services: Services, githost_id: str) -> GitHost:
    found = services.access.get_githost(githost_id)
    if not call.by.sees(found.organization, found.project):
        raise NotFound(f"There is no git host {githost_id!r}.")
    return found


def _view(githost: GitHost) -> GitHostView:
    return GitHostView(
        id=githost.githost_id,
        kind=str(githost.kind),
        project=githost.project,
        name=githost.name,
        created_at=githost.created_at,
        url=githost.url,
        programs=githost.programs,
        webhook_path=githost.webhook_path,
    )
