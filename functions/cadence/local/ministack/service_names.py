"""Knows AWS's services by what botocore lists, for MiniStack, which reads the models of all of them at the first call
of one that it does not implement, and gives no answer for five seconds.
"""

from functools import cache
from typing import Any

import botocore.session
from ministack.core import router


def install() -> None:
    """Lets MiniStack recognize services in this way."""
    router._is_aws_service_name = lambda name: name in names()  # noqa: SLF001 (no public way)


@cache
def names() -> frozenset[str]:
    """Returns the names of services in botocore, and those in their hosts' names, with which requests are signed."""
    session = botocore.session.get_session()
    partitions: Any = session.get_data("endpoints")["partitions"]
    return frozenset(session.get_available_services()).union(*(partition["services"] for partition in partitions))
