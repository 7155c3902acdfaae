"""The WebSocket API by which lines are followed live, and by which engines reach workers on other machines."""

from aws_cdk import Stack
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_lambda as lambda_
from aws_cdk.aws_apigatewayv2_integrations import WebSocketLambdaIntegration
from constructs import Construct

from infra.findings import accept
from infra.settings import Deployment

STAGE = "live"
# Of all connections together, in messages and new connections a second.
_RATE, _BURST = 500, 1_000


class LiveApi(Construct):
    """``url`` is where clients connect, ``endpoint`` where messages to them are posted; on one machine both are paths."""

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
            "Its access log would say no more than the Lambda's own log does, and cost an entry for each message.",
        )
        accept(self.api, "APIG4", "The first message holds the token: in an address it would end up in logs.")

    def serve(self, function: lambda_.Function, tunnel: lambda_.Function) -> None:
        """All messages go to one Lambda, but those of tunnels."""
        integration = WebSocketLambdaIntegration("live-integration", function)
        for route in ("$connect", "$disconnect", "$default"):
            self.api.add_route(route, integration=integration)
        self.api.add_route("tunnel", integration=WebSocketLambdaIntegration("tunnel-integration", tunnel))
