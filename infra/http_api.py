"""The HTTP API in front of the Lambdas that the outside world talks to."""

import json
from collections.abc import Mapping

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from constructs import Construct

from infra.findings import accept
from infra.functions import log_retention
from infra.settings import Deployment

# Everything else goes to `api`, which answers a problem document where there is nothing.
_ROUTES: tuple[tuple[str, apigateway.HttpMethod, str], ...] = (
    ("/webhooks/{kind}/{hook}", apigateway.HttpMethod.POST, "webhooks"),
    ("/runner/v1/{proxy+}", apigateway.HttpMethod.POST, "runner_gateway"),
    ("/runner/v1/{proxy+}", apigateway.HttpMethod.GET, "runner_gateway"),
    ("/0.1/{proxy+}", apigateway.HttpMethod.ANY, "melodium"),
)

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


class PublicApi(Construct):
    """Routes to Lambdas, which check tokens and signatures themselves.

    ``url`` ends without a slash; ``gateway_url`` is where machines reach it, on one machine a path below the stack's address.
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
        apigateway.CfnStage(
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
        # Put together from its parts, so that Lambdas can be told it before they are its targets.
        self.gateway_url = (
            f"/_aws/execute-api/{self.api.api_id}/$default"
            if deployment.is_local
            else f"https://{self.api.api_id}.execute-api.{stack.region}.{stack.url_suffix}"
        )

    def serve(self, functions: Mapping[str, lambda_.Function]) -> None:
        """What no route names goes to ``api``."""
        integrations = {
            folder: HttpLambdaIntegration(
                f"{folder}-integration",
                functions[folder],
                payload_format_version=apigateway.PayloadFormatVersion.VERSION_2_0,
            )
            for folder in ("api", *(folder for _, _, folder in _ROUTES))
        }
        # Where the API itself would have put it: an installation keeps the route that it has.
        apigateway.HttpRoute(
            self.api,
            "DefaultRoute",
            http_api=self.api,
            route_key=apigateway.HttpRouteKey.DEFAULT,
            integration=integrations["api"],
        )
        for path, method, folder in _ROUTES:
            self.api.add_routes(path=path, methods=[method], integration=integrations[folder])
