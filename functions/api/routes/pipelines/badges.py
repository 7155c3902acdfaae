"""Badges of pipelines, and who may see them."""

from typing import Annotated
from urllib.parse import quote, urlencode

from pydantic import Field, StringConstraints

from api.endpoint import PUBLIC, Body, Call, Endpoints, Model, Reply
from api.lasting import etag_of, is_known
from cadence.application.pipelines.badges import NO_BADGE
from cadence.composition.api import Services
from cadence.domain.access.access import Permission
from cadence.domain.pipelines.badge import BadgeSettings, BadgeSubject, badge_svg
from cadence.domain.shared.errors import NotFound

endpoints = Endpoints("badges")

SVG = "image/svg+xml"
_Word = Annotated[str, StringConstraints(min_length=1, max_length=500)]


class BadgeQuery(Model):
    branch: _Word | None = Field(None, description="Without it, runs of any branch count.")
    repository: _Word | None = Field(
        None, description="The id of a connected repository, or the full name of another one; without it, any."
    )


class BadgePictureQuery(BadgeQuery):
    token: Annotated[str, StringConstraints(max_length=200)] = Field(
        "", description="The badge's own token, needed unless the badges of the project are public."
    )


class BadgeView(Model):
    path: str = Field(description="Where the badge is; with its token unless the project's badges are public.")
    public: bool


class BadgesBody(Body):
    public: bool = Field(description="Whether everybody may see the badges of the project.")
    revoke_tokens: bool = Field(False, description="Makes the tokens of all badges of the project invalid.")


class BadgesView(Model):
    public: bool


@endpoints.add(
    "GET",
    "/v1/badges/{organization}/{project}/{pipeline}/badge.svg",
    PUBLIC,
    answers={200: None, 304: None},
    errors=(404, 422),
    content_type=SVG,
)
def show_badge(
    call: Call, services: Services, organization: str, project: str, pipeline: str, query: BadgePictureQuery
) -> Reply:
    """Shows whether the newest run of a pipeline on a branch passed. Pull requests do not count.

    The badges of a project are public, or shown to those who have the badge's token.
    """
    subject = BadgeSubject(
        organization=organization,
        project=project,
        pipeline=pipeline,
        repository=query.repository,
        branch=query.branch,
    )
    missing = NotFound(NO_BADGE)
    try:
        owner = services.access.get_project(organization, project)
    except NotFound:
        raise missing from None
    if owner.deletion is not None:
        raise missing
    picture = badge_svg(pipeline, services.badges.show(subject, owner.created_at, query.token))
    etag = etag_of(picture)
    headers = {
        "etag": etag,
        "cache-control": "no-cache",
        "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
        "x-content-type-options": "nosniff",
    }
    if is_known(etag, call.headers):
        return Reply(None, 304, headers)
    return Reply(picture, headers=headers, content_type=SVG)


@endpoints.add(
    "GET",
    "/v1/projects/{project}/pipelines/{pipeline}/badge",
    Permission.RUNS_READ,
    answers={200: BadgeView},
    errors=(404, 422),
)
def get_badge(call: Call, services: Services, project: str, pipeline: str, query: BadgeQuery) -> BadgeView:
    """Shows where the badge of a pipeline is. Who has a path with a token may see this badge, and nothing else."""
    owner = services.project(call.by, project, pipeline=pipeline)
    subject = BadgeSubject(
        organization=owner.organization,
        project=owner.name,
        pipeline=pipeline,
        repository=query.repository,
        branch=query.branch,
    )
    public = services.badges.settings.get_badge_settings(owner.organization, owner.name).public
    asked = {"branch": query.branch, "repository": query.repository}
    if not public:
        asked["token"] = services.badges.token(subject, owner.created_at)
    parts = "/".join(quote(part, safe="") for part in (owner.organization, owner.name, pipeline))
    words = urlencode({name: value for name, value in asked.items() if value is not None})
    return BadgeView(path=f"/v1/badges/{parts}/badge.svg" + (f"?{words}" if words else ""), public=public)


@endpoints.add(
    "GET", "/v1/projects/{project}/badges", Permission.PROJECTS_READ, answers={200: BadgesView}, errors=(404,)
)
def show_badges(call: Call, services: Services, project: str) -> BadgesView:
    """Shows whether the badges of a project are public."""
    owner = services.project(call.by, project)
    return _view(services.badges.settings.get_badge_settings(owner.organization, owner.name))


@endpoints.add(
    "PUT",
    "/v1/projects/{project}/badges",
    Permission.PROJECTS_WRITE,
    answers={200: BadgesView},
    errors=(404, 413, 415, 422),
)
def put_badges(call: Call, services: Services, project: str, body: BadgesBody) -> BadgesView:
    """Makes the badges of a project public, or stops that; also makes the tokens of its badges invalid."""
    owner = services.project(call.by, project)
    settings = services.badges.set(owner.organization, owner.name, public=body.public, revoke_tokens=body.revoke_tokens)
    return _view(settings)


def _view(settings: BadgeSettings) -> BadgesView:
    return BadgesView(public=settings.public)
