"""Room ``api``: the HTTP API in front of the Lambdas that are called from outside."""

import json
from collections.abc import Mapping

from aws_cdk import CfnOutput, RemovalPolicy, Stack
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from constructs import Construct

from infra.deployment import Deployment
from infra.findings import accept
from infra.functions import log_retention
from infra.lambdas import LAMBDAS
from infra.rooms.room import Room
from infra.row.triggers import HttpRoutes, Throttle
from infra.shared import Shared

# Of each route that has no throttle of its own: what agents send. An account has four times this for all its APIs.
_THROTTLE = Throttle(rate=2_500, burst=1_250)

# One JSON object a request; no header or query string, which may hold a token.
_ACCESS_LOG_FORMAT = json.dumps(
    {
        "time": "$context.requestTime",
        "request": "$context.requestId",
        "source": "$context.identity.sourceIp",
        "method": "$context.httpMethod",
        "route": "$context.routeKey",
        "status": "$context.status",
        "bytes": "$context.responseLength",
        "milliseconds": "$context.responseLatency",
        "error": "$context.integrationErrorMessage",
    }
)


class ApiRoom(Room):
    """The HTTP API, and the Lambda that answers all requests that no other Lambda's route names."""

    name = "api"

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        self._public_api = PublicApi(self, "PublicApi", shared.deployment)
        CfnOutput(
            self, "ApiUrl", value=self._public_api.url, description="Address of the API, webhooks and runner gateway."
        )

    def settings(self) -> Mapping[str, str]:
        return {**super().settings(), "gateway_url": self._public_api.gateway_url}

    def connect(self, functions: Mapping[str, lambda_.Function]) -> None:
        """Adds the routes of all Lambdas."""
        self._public_api.add_routes(functions)


class PublicApi(Construct):
    """Routes to Lambdas, which check tokens and signatures themselves.

    ``url`` ends without a slash. Machines reach the API at ``gateway_url``, which on one machine is a path below the
    stack's address.
    """

    def __init__(self, scope: Construct, construct_id: str, deployment: Deployment) -> None:
        super().__init__(scope, construct_id)
        self.api = apigateway.HttpApi(self, "Api", api_name=deployment.name("api"), create_default_stage=False)
        access_logs = logs.LogGroup(
            self,
            "AccessLogs",
            log_group_name=f"/aws/vendedlogs/apis/{deployment.name('api')}",
            retention=log_retention(deployment),
            removal_policy=RemovalPolicy.DESTROY,
        )
        self._is_local = deployment.is_local
        self._stage = apigateway.CfnStage(
            self,
            "Stage",
            api_id=self.api.api_id,
            stage_name="$default",
            auto_deploy=True,
            access_log_settings=apigateway.CfnStage.AccessLogSettingsProperty(
                destination_arn=access_logs.log_group_arn, format=_ACCESS_LOG_FORMAT
            ),
        )
        accept(
            self.api,
            "APIG4",
            "The Lambdas check bearer tokens, join tokens, session tokens and webhook signatures: their rights are per "
            "project and run, which an authorizer of the API could not know.",
        )
        self.url = self.api.api_endpoint
        stack = Stack.of(self)
        # Built from its parts, so that settings of Lambdas may hold it although the API's routes refer to the Lambdas.
        self.gateway_url = (
            f"/_aws/execute-api/{self.api.api_id}/$default"
            if deployment.is_local
            else f"https://{self.api.api_id}.execute-api.{stack.region}.{stack.url_suffix}"
        )

    def add_routes(self, functions: Mapping[str, lambda_.Function]) -> None:
        """Adds the routes that rows name; ``functions`` are all Lambdas, by folder."""
        throttles: dict[str, Throttle] = {}
        for row in LAMBDAS.values():
            for trigger in row.triggers:
                if isinstance(trigger, HttpRoutes):
                    keys = self._add_route(functions[row.folder], row.folder, trigger)
                    throttles.update(dict.fromkeys(keys, trigger.throttle) if trigger.throttle else {})
        self._throttle(throttles)

    def _throttle(self, throttles: Mapping[str, Throttle]) -> None:
        """Bounds what one flood of requests can cost and take from others. On one machine nothing is bounded."""
        if self._is_local:
            return
        self._stage.default_route_settings = apigateway.CfnStage.RouteSettingsProperty(
            throttling_rate_limit=_THROTTLE.rate, throttling_burst_limit=_THROTTLE.burst
        )
        self._stage.route_settings = {key: _route_settings(throttle) for key, throttle in throttles.items()}
        # A stage can only name routes that exist.
        for route in self.api.node.find_all():
            if isinstance(route, apigateway.CfnRoute):
                self._stage.add_resource_dependency(route)

    def _add_route(self, function: lambda_.Function, folder: str, trigger: HttpRoutes) -> list[str]:
        integration = HttpLambdaIntegration(
            f"{folder}-integration", function, payload_format_version=apigateway.PayloadFormatVersion.VERSION_2_0
        )
        for method, path in trigger.routes:
            self.api.add_routes(path=path, methods=[apigateway.HttpMethod[method]], integration=integration)
        if not trigger.routes:
            # Where the API itself would have put it: an installation keeps the route that it has.
            apigateway.HttpRoute(
                self.api,
                "DefaultRoute",
                http_api=self.api,
                route_key=apigateway.HttpRouteKey.DEFAULT,
                integration=integration,
            )
        return [f"{method} {path}" for method, path in trigger.routes] or ["$default"]


def _route_settings(throttle: Throttle) -> Mapping[str, int]:
    """Returns the settings of one route as CloudFormation writes them: the CDK passes this map on as it is."""
    return {"ThrottlingRateLimit": throttle.rate, "ThrottlingBurstLimit": throttle.burst}
