"""Starts runners as jobs of Kubernetes, for the treatment machine and for requests about pools.

Operations are in `cadence/providers/operations.py`.
"""

from cadence.composition.providers import provider_handler
from cadence.providers.kubernetes.provider import build

handler = provider_handler("kubernetes", build)
