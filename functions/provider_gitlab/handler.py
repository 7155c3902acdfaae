"""Starts runners on GitLab's machines, or on a project's own GitLab runners."""

from functools import partial

from cadence.composition.providers import provider_handler
from cadence.composition.shared.guarded import guarded
from cadence.providers.gitlab.building import build

handler = provider_handler("gitlab", partial(build, session=guarded()))
