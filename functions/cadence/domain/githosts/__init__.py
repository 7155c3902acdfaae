"""Webhooks of git hosts: how each kind signs them, and what they say."""

from collections.abc import Mapping
from types import MappingProxyType

from cadence.domain.githost import GitHostKind
from cadence.domain.githosts.bitbucket import BITBUCKET
from cadence.domain.githosts.format import WebhookFormat
from cadence.domain.githosts.gitea import GITEA
from cadence.domain.githosts.github import GITHUB
from cadence.domain.githosts.gitlab import GITLAB

FORMATS: Mapping[GitHostKind, WebhookFormat] = MappingProxyType(
    {
        GitHostKind.GITHUB: GITHUB,
        GitHostKind.GITLAB: GITLAB,
        GitHostKind.GITEA: GITEA,
        GitHostKind.BITBUCKET: BITBUCKET,
    }
)
