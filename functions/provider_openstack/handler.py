"""Starts runners as servers of an OpenStack."""

from cadence.composition.providers import provider_handler
from cadence.providers.openstack.building import build

handler = provider_handler("openstack", build)
