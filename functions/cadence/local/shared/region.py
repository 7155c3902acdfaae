"""The AWS region that the local stack simulates."""

from typing import Final

REGION: Final = "eu-west-1"
