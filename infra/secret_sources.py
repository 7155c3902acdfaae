"""Which secrets of AWS Secrets Manager and SSM Parameter Store a deployment may read, and the statements for that."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import Aws
from aws_cdk import aws_iam as iam

from infra.row import LambdaRow

if TYPE_CHECKING:
    from constructs import Node

# Each ends with a slash: `cadence` would be a prefix of `cadence-root-password`, too.
_SECRETS_MANAGER = re.compile(r"([A-Za-z0-9_+=.@-]{1,100}/){1,5}")
_PARAMETER_STORE = re.compile(r"/([A-Za-z0-9_.-]{1,100}/){1,5}")


@dataclass(frozen=True)
class SecretSources:
    """How names begin that the deployment may read, each with a slash at its end; empty: none.

    Below a prefix follow the organization and the project that a name is for.
    """

    secrets_manager_prefix: str
    parameter_store_prefix: str

    def settings(self) -> Mapping[str, str]:
        """Returns the settings of Lambdas, by the names of their fields."""
        return {
            "secrets_manager_prefix": self.secrets_manager_prefix,
            "parameter_store_prefix": self.parameter_store_prefix,
        }


def read_secret_sources(node: "Node", *, is_local: bool) -> SecretSources:
    """Reads the prefixes from the context of the app. Raises ``ValueError``, which names the key that is wrong."""
    return SecretSources(
        _prefix(node, "secrets_manager_prefix", "cadence/" if is_local else "", _SECRETS_MANAGER, "cadence/"),
        _prefix(node, "parameter_store_prefix", "/cadence/" if is_local else "", _PARAMETER_STORE, "/cadence/"),
    )


def secret_source_statements(sources: SecretSources, row: LambdaRow, *, is_local: bool) -> list[iam.PolicyStatement]:
    """Returns the statements that let a Lambda read what is below the prefixes, and decrypt it.

    A key of the user's own decrypts only through the service, and only what is below the prefix.
    """
    if not row.reads_secret_sources:
        return []
    statements = []
    if sources.secrets_manager_prefix:
        secrets = _arn("secretsmanager", f"secret:{sources.secrets_manager_prefix}*")
        statements += [_allows("secretsmanager:GetSecretValue", secrets)]
        statements += [] if is_local else [_decrypts("secretsmanager", "SecretARN", secrets)]
    if sources.parameter_store_prefix:
        parameters = _arn("ssm", f"parameter{sources.parameter_store_prefix}*")
        statements += [_allows("ssm:GetParameter", parameters)]
        statements += [] if is_local else [_decrypts("ssm", "PARAMETER_ARN", parameters)]
    return statements


def _allows(action: str, resource: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=[action], resources=[resource])


def _decrypts(service: str, context: str, resource: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        actions=["kms:Decrypt"],
        resources=[_arn("kms", "key/*")],
        conditions={
            "StringEquals": {"kms:ViaService": f"{service}.{Aws.REGION}.{Aws.URL_SUFFIX}"},
            "StringLike": {f"kms:EncryptionContext:{context}": resource},
        },
    )


def _arn(service: str, resource: str) -> str:
    return f"arn:{Aws.PARTITION}:{service}:{Aws.REGION}:{Aws.ACCOUNT_ID}:{resource}"


def _prefix(node: "Node", key: str, default: str, allowed: re.Pattern[str], example: str) -> str:
    given = node.try_get_context(key)
    prefix = default if given is None else str(given)
    if prefix and not allowed.fullmatch(prefix):
        raise ValueError(f"context {key!r} is {given!r}: write how names begin, with a slash at the end ({example})")
    return prefix
