"""Runners as servers of an OpenStack."""

from cadence.composition.providers import provider_handler
from cadence.providers.openstack.build import build

handler = provider_handler("openstack", build)
