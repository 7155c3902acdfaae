"""The webhook formats of the git hosts: signatures and payloads."""

from collections.abc import Mapping
from types import MappingProxyType

from cadence.domain.triggers.githost import GitHostKind
from cadence.domain.triggers.githosts.bitbucket import BITBUCKET
from cadence.domain.triggers.githosts.format import WebhookFormat
from cadence.domain.triggers.githosts.gitea import GITEA
from cadence.domain.triggers.githosts.github import GITHUB
from cadence.domain.triggers.githosts.gitlab import GITLAB

FORMATS: Mapping[GitHostKind, WebhookFormat] = MappingProxyType(
    {
        GitHostKind.GITHUB: GITHUB,
        GitHostKind.GITLAB: GITLAB,
        GitHostKind.GITEA: GITEA,
        GitHostKind.BITBUCKET: BITBUCKET,
    }
)
