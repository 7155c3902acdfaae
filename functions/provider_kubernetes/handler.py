"""Treatment machine, and whoever asks about a pool: runners as jobs of Kubernetes (`cadence/providers/operations.py`)."""

from cadence.composition.providers import provider_handler
from cadence.providers.kubernetes.provider import build

handler = provider_handler("kubernetes", build)
