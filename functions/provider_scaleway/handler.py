"""Starts runners on instances of Scaleway."""

from cadence.composition.providers import provider_handler
from cadence.providers.scaleway.building import build

handler = provider_handler("scaleway", build)
