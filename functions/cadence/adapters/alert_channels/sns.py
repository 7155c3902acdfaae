"""Publishes alerts to an SNS topic for each channel.

E-mail, SMS, queues, Lambdas and chat bots can subscribe to it.
"""

import json
from collections.abc import Sequence

from botocore.exceptions import ClientError

from cadence.adapters.alert_channels.topics import topic_arn
from cadence.adapters.aws.clients import client, may_succeed_later
from cadence.application.alerts.ports import ChannelRefused
from cadence.domain.alerts.channel import Channel
from cadence.domain.alerts.message import Message
from cadence.domain.shared.errors import Transient

_LONGEST_SUBJECT = 100
_ABOUT_THE_MESSAGE = frozenset({"InvalidParameter", "InvalidParameterValue", "ParameterValueInvalid"})


class SnsSender:
    """Publishes messages. Creates the topic at its first use; creating it again returns the existing one."""

    most = 1
    per_minute = 60

    def __init__(self, topic_prefix: str) -> None:
        self._prefix = topic_prefix

    def send(self, channel: Channel, secret: str | None, messages: Sequence[Message]) -> None:
        sns = client("sns")
        try:
            name = topic_arn(self._prefix, channel.key).rpartition(":")[2]
            topic = sns.create_topic(Name=name, Attributes={"KmsMasterKeyId": "alias/aws/sns"})["TopicArn"]
            for message in messages:
                sns.publish(
                    TopicArn=topic,
                    Subject=_subject(message.title),
                    Message=json.dumps({"default": json.dumps(message.to_json()), "email": _text(message)}),
                    MessageStructure="json",
                    MessageAttributes={
                        name: {"DataType": "String", "StringValue": value}
                        for name, value in (
                            ("rule", message.rule),
                            ("severity", str(message.severity)),
                            ("kind", str(message.kind)),
                        )
                    },
                )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _ABOUT_THE_MESSAGE:
                raise ChannelRefused(f"SNS refuses the message: {code}.") from None
            raise Transient(f"SNS refuses the message: {code}.") from error
        except Exception as error:
            if may_succeed_later(error):
                raise Transient("SNS cannot be reached.") from error
            raise


def _subject(title: str) -> str:
    """Returns a subject of one line, in ASCII, as SNS requires it."""
    return " ".join(title.encode("ascii", "replace").decode().split())[:_LONGEST_SUBJECT] or "alert"


def _text(message: Message) -> str:
    links = [f"{name}: {url}" for name, url in message.links.items()]
    return "\n".join(filter(None, [message.title, "", message.summary, message.description, "", *links]))
