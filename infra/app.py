"""The CDK app, run by ``npx cdk`` (see ``cdk.json``) or, without that command line, by ``python -m infra.synth``."""

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from infra.deployment import read_deployment
from infra.log_stream_stack import LogStreamStack
from infra.stack import CadenceStack


def build() -> cdk.App:
    """Returns the app with both stacks, for the deployment that the context describes. Looks up nothing in AWS."""
    app = cdk.App(analytics_reporting=False)
    deployment = read_deployment(app.node)
    main = CadenceStack(app, "Cadence", deployment)
    log_stream = LogStreamStack(app, "CadenceLogStream", deployment)
    log_stream.add_stack_dependency(main)
    if deployment.nag:
        cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    cdk.Tags.of(app).add("cadence", deployment.stage)
    return app


if __name__ == "__main__":
    build().synth()
