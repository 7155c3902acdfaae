"""Starts runners on GitHub's machines, or on self-hosted ones of a repository."""

from functools import partial

from cadence.composition.providers import provider_handler
from cadence.composition.shared.guarded import guarded
from cadence.providers.github_actions.building import build

handler = provider_handler("github_actions", partial(build, session=guarded()))
