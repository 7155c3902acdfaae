"""Starts runners on instances of Google Compute Engine."""

from cadence.composition.providers import provider_handler
from cadence.providers.gcp.building import build

handler = provider_handler("gcp", build)
