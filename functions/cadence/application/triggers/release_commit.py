"""Completes the event of a release, which GitHub and Gitea send without the commit of its tag."""

from dataclasses import replace

from cadence.application.shared.git_ports import GitCredentials, TagReader
from cadence.domain.triggers.git_events import GitEvent, Release


def with_commit(event: GitEvent, tags: TagReader, url: str, credentials: GitCredentials | None) -> GitEvent:
    """Returns a release with the commit that its tag names now, and any other event as it is.

    `url` is the repository's address, to which `credentials` are sent. Raises NotFound if the tag is gone, and the
    other errors of TagReader.
    """
    if not isinstance(event, Release) or event.commit:
        return event
    return replace(event, commit=tags.find_tag(url, event.tag, credentials))
