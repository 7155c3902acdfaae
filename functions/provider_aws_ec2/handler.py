"""Treatment machine, and whoever asks about a pool: runners as instances of EC2 (`cadence/providers/operations.py`)."""

from cadence.composition.providers import provider_handler
from cadence.providers.aws_ec2.provider import build

handler = provider_handler("aws_ec2", build)
