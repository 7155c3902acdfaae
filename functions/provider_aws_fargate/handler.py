"""Treatment machine, and whoever asks about a pool: runners as tasks of Fargate (`cadence/providers/operations.py`)."""

from cadence.composition.providers import provider_handler
from cadence.providers.aws_fargate.provider import build

handler = provider_handler("aws_fargate", build)
