"""Repositories of code hosts that are connected to a project."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit

from cadence.domain.shared.errors import InvalidRequest, Violation
from cadence.domain.triggers.git_events import GitEvent, PullRequest
from cadence.domain.triggers.githost import GitHostKind

_BITBUCKET_CLOUD = "https://bitbucket.org"

ID_PREFIX = "r-"
"""Begins the id of every repository, which distinguishes it from a git host's in the address of a webhook."""

_KNOWN_HOSTS = {
    "github.com": GitHostKind.GITHUB,
    "gitlab.com": GitHostKind.GITLAB,
    "bitbucket.org": GitHostKind.BITBUCKET,
    "codeberg.org": GitHostKind.GITEA,
}


_DATA_CENTER_PAGE = re.compile(
    r"(?:(?P<below>.+?)/)?(?P<kind>projects|users)/(?P<project>[^/]+)/repos/(?P<slug>[^/]+)(?:/.*)?"
)
_DATA_CENTER_CLONE = re.compile(r"(?:(?P<below>.+?)/)?(?P<kind>scm)/(?P<project>[^/]+)/(?P<slug>[^/]+)")


class ForkPolicy(StrEnum):
    """What a pull request from a fork starts."""

    BASE = "base"
    """The pipelines as they are on the branch that it is to be merged into, without secrets."""
    APPROVAL = "approval"
    """The same, once a user who may write to the repository has approved the commit with a comment."""
    FIRST_TIME = "first-time"
    """Those of authors who have not contributed before wait for an approval, the others for none."""
    NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True)
class RepositoryAddress:
    """The address of a repository: `origin` is its code host, `name` the path there, `acme/site`."""

    kind: GitHostKind
    origin: str
    name: str

    @property
    def api_url(self) -> str:
        """The base of the code host's REST API."""
        match self.kind:
            case GitHostKind.GITHUB:
                return "https://api.github.com" if self.origin == "https://github.com" else f"{self.origin}/api/v3"
            case GitHostKind.GITLAB:
                return f"{self.origin}/api/v4"
            case GitHostKind.GITEA:
                return f"{self.origin}/api/v1"
        return f"{self.origin}/rest" if self.is_data_center else "https://api.bitbucket.org/2.0"

    @property
    def is_data_center(self) -> bool:
        """Whether the code host is a Bitbucket of one's own, which has little in common with that of the cloud."""
        return self.kind == GitHostKind.BITBUCKET and self.origin != _BITBUCKET_CLOUD

    @property
    def url(self) -> str:
        """The address of the repository's page."""
        if not self.is_data_center:
            return f"{self.origin}/{self.name}"
        project, slug = self.name.split("/")
        return f"{self.origin}/projects/{project}/repos/{slug}"


def read_address(url: str, kind: GitHostKind | None = None) -> RepositoryAddress:
    """Returns the parts of a repository's address, as it stands in a browser or after `git clone`.

    `kind` is needed for hosts other than the public ones. Raises InvalidRequest.
    """
    try:
        parts = urlsplit(url.strip())
        host = parts.hostname or ""
    except ValueError:
        raise _refused("/url", f"{url[:100]!r} is no URL. Give the repository's address, as in a browser.") from None
    if parts.scheme not in ("http", "https") or not host or parts.username or parts.password:
        raise _refused("/url", "The repository's address begins with https:// and has neither name nor password.")
    segments = [part for part in parts.path.removesuffix("/").removesuffix(".git").split("/") if part]
    if len(segments) < 2 or parts.query or parts.fragment:
        raise _refused(
            "/url", f"{url[:100]!r} names no repository. Give its address, such as https://{host}/acme/site."
        )
    known = kind or _KNOWN_HOSTS.get(host)
    if known is None:
        raise _refused("/kind", f"Give the kind of code host that {host} is: github, gitlab, gitea or bitbucket.")
    if known == GitHostKind.BITBUCKET and host != "bitbucket.org":
        return _of_data_center(f"{parts.scheme}://{parts.netloc}", segments)
    # The groups of GitLab may be nested; the others may lie below a path of their host.
    own = segments if known == GitHostKind.GITLAB else segments[-2:]
    below = "/".join(segments[: len(segments) - len(own)])
    return RepositoryAddress(
        kind=known, origin=f"{parts.scheme}://{parts.netloc}" + (f"/{below}" if below else ""), name="/".join(own)
    )


def _of_data_center(host: str, segments: Sequence[str]) -> RepositoryAddress:
    """Returns the address of a repository on Bitbucket Data Center, from that of its page or of `git clone`.

    The repositories of a user are in a project that is named after the user: `~ada`.
    """
    path = "/".join(segments)
    found = _DATA_CENTER_CLONE.fullmatch(path) or _DATA_CENTER_PAGE.match(path)
    if found is None:
        example = f"{host}/projects/PROJ/repos/site"
        raise _refused("/url", f"{path[:100]!r} names no repository of Bitbucket. Give its address, such as {example}.")
    project = ("~" if found["kind"] == "users" else "") + found["project"]
    origin = host + (f"/{found['below']}" if found["below"] else "")
    return RepositoryAddress(kind=GitHostKind.BITBUCKET, origin=origin, name=f"{project}/{found['slug']}")


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A repository whose events start the pipelines that lie in it, and nothing else.

    `origin` is its code host, `name` its full name there, `url` its page. `public_url` is the address at which the code
    host reaches this API, without a slash at its end. `webhook_id` is the code host's own id of the webhook; None until
    it was created. `app_id` is the GitHub App that it is connected with, which has one webhook for all its
    repositories; None if it is connected with an access token.
    """

    repository_id: str
    kind: GitHostKind
    organization: str
    project: str
    name: str
    url: str
    clone_url: str
    origin: str
    default_branch: str
    public_url: str
    created_at: datetime
    created_by: str
    forks: ForkPolicy = ForkPolicy.BASE
    webhook_id: str | None = None
    app_id: str | None = None

    @property
    def address(self) -> RepositoryAddress:
        """Its address on the code host."""
        return RepositoryAddress(kind=self.kind, origin=self.origin, name=self.name)

    @property
    def is_data_center(self) -> bool:
        """Whether its code host is a Bitbucket of one's own."""
        return self.address.is_data_center

    @property
    def webhook_url(self) -> str:
        """The address to which the code host sends its webhooks."""
        return f"{self.public_url}/webhooks/{self.kind}/{self.repository_id}"

    def requires_approval(self, pull: PullRequest) -> bool:
        """Whether a pull request starts nothing until a user who may write to the repository approves its commit."""
        if not pull.fork:
            return False
        return self.forks is ForkPolicy.APPROVAL or (self.forks is ForkPolicy.FIRST_TIME and not pull.contributor)

    def is_source_of(self, event: GitEvent) -> bool:
        """Whether an event is about this repository: a webhook of a whole organization reports others, too."""
        name = event.base_repository if isinstance(event, PullRequest) else event.repository
        return name.casefold() == self.name.casefold()


def _refused(pointer: str, message: str) -> InvalidRequest:
    return InvalidRequest(message, [Violation(pointer, message, "bad_address")])
