"""Starts runners as instances of EC2, for the treatment machine and for requests about pools.

Operations are in `cadence/providers/operations.py`.
"""

from cadence.composition.providers import provider_handler
from cadence.providers.aws_ec2.provider import build

handler = provider_handler("aws_ec2", build)
