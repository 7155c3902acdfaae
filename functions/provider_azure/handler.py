"""Starts runners on virtual machines of Azure."""

from cadence.composition.providers import provider_handler
from cadence.providers.azure.building import build

handler = provider_handler("azure", build)
