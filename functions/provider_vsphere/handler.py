"""Starts runners as virtual machines of a vCenter."""

from cadence.composition.providers import provider_handler
from cadence.providers.vsphere.building import build

handler = provider_handler("vsphere", build)
