"""`Sockets` of a WebSocket API of API Gateway."""

from botocore.exceptions import ClientError

from cadence.adapters.aws.clients import client_at, may_succeed_later
from cadence.application.shared.ports import Sockets
from cadence.domain.shared.errors import Gone, Transient

_CLOSED = frozenset({"GoneException", "ForbiddenException"})


class GatewaySockets(Sockets):
    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint

    def post(self, connection_id: str, message: str) -> None:
        api = client_at("apigatewaymanagementapi", self._endpoint)
        try:
            api.post_to_connection(ConnectionId=connection_id, Data=message.encode())
        except ClientError as error:
            if error.response["Error"]["Code"] in _CLOSED:
                raise Gone("The connection is closed.") from error
            if may_succeed_later(error):
                raise Transient("The message cannot be sent right now.") from error
            raise
