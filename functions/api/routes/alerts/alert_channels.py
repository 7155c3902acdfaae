"""Channels: the destinations of alerts' messages."""

from api.endpoint import Call, Endpoints, Reply
from api.routes.alerts.alert_shapes import (
    ChannelBody,
    ChannelList,
    ChannelView,
    ChannelWithSecretView,
    ProjectQuery,
    TestView,
)
from api.routes.alerts.alerting_access import author, check_name, check_project, visible_projects
from cadence.adapters.alert_channels.topics import topic_arn
from cadence.composition.api import Services
from cadence.domain.access.access import Permission
from cadence.domain.alerts.channel import Channel, ChannelKind

endpoints = Endpoints("alert-channels")

_MOST_COUNTED = 1_000


@endpoints.add("GET", "/v1/alerts/channels", Permission.ALERTS_READ, answers={200: ChannelList}, errors=(404, 422))
def list_channels(call: Call, services: Services, query: ProjectQuery) -> ChannelList:
    """Lists the channels of the projects that the token may read, and their delivery status."""
    sees = visible_projects(call, services, query.project)
    channels = services.alerting.channels.list_channels(call.by.organization)
    return ChannelList(items=[_view(services, channel) for channel in channels if sees(channel.project)])


@endpoints.add(
    "GET", "/v1/alerts/channels/{scope}/{channel}", Permission.ALERTS_READ, answers={200: ChannelView}, errors=(404,)
)
def show_channel(call: Call, services: Services, scope: str, channel: str) -> ChannelView:
    """Shows one channel.

    `scope` is a project, or `*` for the organization: all its projects' rules may use its channels.
    """
    check_project(call, services, scope)
    return _view(services, services.alerting.channels.get_channel(call.by.organization, scope, channel))


@endpoints.add(
    "PUT",
    "/v1/alerts/channels/{scope}/{channel}",
    Permission.ALERTS_WRITE,
    answers={200: ChannelWithSecretView, 201: ChannelWithSecretView},
    errors=(404, 413, 415, 422),
)
def put_channel(call: Call, services: Services, scope: str, channel: str, body: ChannelBody) -> Reply:
    """Creates or replaces a channel. Messages that wait for it are tried again at once."""
    check_project(call, services, scope)
    check_name("channel", channel)
    secret = body.secret.get_secret_value() if body.secret else None
    stored, is_new, made_up = services.alerting.manage_channels.put(
        (call.by.organization, scope, channel), ChannelKind(body.kind), body.settings, secret, author(call)
    )
    return Reply(ChannelWithSecretView.made(_view(services, stored), made_up), 201 if is_new else 200)


@endpoints.add(
    "DELETE",
    "/v1/alerts/channels/{scope}/{channel}",
    Permission.ALERTS_WRITE,
    answers={204: None},
    errors=(404, 409),
)
def delete_channel(call: Call, services: Services, scope: str, channel: str) -> Reply:
    """Deletes a channel that no rule uses, with all messages that wait for it."""
    check_project(call, services, scope)
    services.alerting.manage_channels.delete((call.by.organization, scope, channel))
    return Reply(None)


@endpoints.add(
    "POST",
    "/v1/alerts/channels/{scope}/{channel}/test",
    Permission.ALERTS_WRITE,
    answers={202: TestView},
    errors=(404,),
)
def test_channel(call: Call, services: Services, scope: str, channel: str) -> TestView:
    """Sends a test message to a channel; `delivered_at` or `last_error` of the channel show the result."""
    check_project(call, services, scope)
    message_id = services.alerting.manage_channels.test((call.by.organization, scope, channel))
    return TestView(message_id=message_id, channels=[channel])


def _view(services: Services, channel: Channel) -> ChannelView:
    outbox = services.alerting.outbox
    topic = topic_arn(services.alerting.topic_prefix, channel.key) if channel.kind is ChannelKind.SNS else None
    waiting = outbox.count_waiting(channel.key, _MOST_COUNTED)
    dead_letter = outbox.count_dead_letters(channel.key, _MOST_COUNTED)
    return ChannelView.of(channel, outbox.get_delivery(channel.key), waiting, dead_letter, topic)
