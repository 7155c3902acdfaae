"""Runners on GitLab's machines, or on those that joined a project there."""

from functools import partial

from cadence.composition.guarded import guarded
from cadence.composition.providers import provider_handler
from cadence.providers.gitlab.building import build

handler = provider_handler("gitlab", partial(build, session=guarded()))
