"""Names of SNS topics."""

import hashlib

from cadence.application.alerts.ports import ChannelKey


def topic_arn(prefix: str, key: ChannelKey) -> str:
    """Returns the ARN of a channel's topic.

    It is derived, so that no organization can name another's. `prefix` is the beginning of the ARN.
    """
    return prefix + hashlib.sha256("\0".join(key).encode()).hexdigest()[:24]
