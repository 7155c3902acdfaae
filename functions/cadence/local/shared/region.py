"""The AWS region that the local stack plays."""

from typing import Final

REGION: Final = "eu-west-1"
