"""The HTTP API in front of the Lambdas that the outside world talks to."""

import json
from collections.abc import Mapping

from aws_cdk import RemovalPolicy
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
    """Routes to Lambdas, which check tokens and signatures themselves; ``url`` ends without a slash."""

    def __init__(
        self, scope: Construct, construct_id: str, deployment: Deployment, functions: Mapping[str, lambda_.Function]
    ) -> None:
        super().__init__(scope, construct_id)
        integrations = {
            folder: HttpLambdaIntegration(
                f"{folder}-integration",
                functions[folder],
                payload_format_version=apigateway.PayloadFormatVersion.VERSION_2_0,
            )
            for folder in ("api", *(folder for _, _, folder in _ROUTES))
        }
        self.api = apigateway.HttpApi(
            self,
            "Api",
            api_name=deployment.name("api"),
            create_default_stage=False,
            default_integration=integrations["api"],
        )
        for path, method, folder in _ROUTES:
            self.api.add_routes(path=path, methods=[method], integration=integrations[folder])
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
