"""Starts runners as tasks of Fargate, for the treatment machine and for requests about pools.

Operations are in `cadence/providers/operations.py`.
"""

from cadence.composition.providers import provider_handler
from cadence.providers.aws_fargate.provider import build

handler = provider_handler("aws_fargate", build)
