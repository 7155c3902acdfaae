"""Room ``search``: the search index, and the WebSocket API.

Clients follow lines through the WebSocket API, and engines reach workers on other machines through it.
"""

from collections.abc import Mapping

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_lambda as lambda_
from aws_cdk.aws_apigatewayv2_integrations import WebSocketLambdaIntegration
from constructs import Construct

from infra.deployment import Deployment
from infra.findings import accept
from infra.lambdas import LAMBDAS
from infra.rooms.room import Room
from infra.row.triggers import WebSocketRoutes
from infra.shared import Shared

STAGE = "live"
# Messages and new connections a second, of all clients together.
_RATE, _BURST = 500, 1_000


class SearchRoom(Room):
    """Lines are searched in S3, and by the search service if the deployment names one."""

    name = "search"

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        self._live_api = LiveApi(self, "LiveApi", shared.deployment)
        CfnOutput(
            self,
            "LiveUrl",
            value=self._live_api.address,
            description="Address of the WebSocket API for following lines.",
        )

    def settings(self) -> Mapping[str, str]:
        service = self.shared.deployment.search
        return {
            **super().settings(),
            "live_url": self._live_api.url,
            "live_endpoint": self._live_api.endpoint,
            "search_endpoint": service.endpoint,
            "search_region": service.region,
            "search_secret": service.secret_arn,
            "search_prefix": self.shared.deployment.name("lines"),
        }

    def connect(self, functions: Mapping[str, lambda_.Function]) -> None:
        """Adds the routes of all Lambdas."""
        self._live_api.add_routes(functions)


class LiveApi(Construct):
    """A WebSocket API: clients connect to ``url``, and messages to them are posted to ``endpoint``.

    On one machine both are paths; ``address`` is always a URL.
    """

    def __init__(self, scope: Construct, construct_id: str, deployment: Deployment) -> None:
        super().__init__(scope, construct_id)
        self.api = apigateway.WebSocketApi(
            self, "Api", api_name=deployment.name("live"), route_selection_expression="$request.body.action"
        )
        stack = Stack.of(self)
        host = f"{self.api.api_id}.execute-api.{stack.region}.{stack.url_suffix}"
        self.address = f"wss://{host}/{STAGE}"
        self.url = "/v1/live/socket" if deployment.is_local else self.address
        self.endpoint = (
            f"/_aws/execute-api/{self.api.api_id}/{STAGE}" if deployment.is_local else f"https://{host}/{STAGE}"
        )
        stage = apigateway.CfnStage(
            self,
            "Stage",
            api_id=self.api.api_id,
            stage_name=STAGE,
            auto_deploy=True,
            default_route_settings=apigateway.CfnStage.RouteSettingsProperty(
                throttling_rate_limit=_RATE, throttling_burst_limit=_BURST
            ),
        )
        accept(
            stage,
            "APIG1",
            "Its access log would add nothing to the Lambda's own log, and cost an entry for each message.",
        )
        accept(self.api, "APIG4", "The first message holds the token: in an address it would end up in logs.")

    def add_routes(self, functions: Mapping[str, lambda_.Function]) -> None:
        """Adds the routes that rows name; ``functions`` are all Lambdas, by folder."""
        for row in LAMBDAS.values():
            for trigger in row.triggers:
                if isinstance(trigger, WebSocketRoutes):
                    integration = WebSocketLambdaIntegration(f"{row.folder}-integration", functions[row.folder])
                    for route in trigger.routes:
                        self.api.add_route(route, integration=integration)
