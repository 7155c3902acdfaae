"""Verifies each caller's signature where MiniStack enforces IAM, that of the account's root included.

MiniStack takes a request for the root's if it names the key `test`, the number of the account, or the root's key,
whatever its signature. It also derives the credentials of a Lambda's role from names that anyone can know.
"""

import hashlib
import hmac
import os
from collections.abc import Mapping
from typing import Any

from ministack import app
from ministack.core import iam_evaluator, lambda_runtime
from ministack.services import lambda_svc, sts

_INVOKE = "execute-api:Invoke"


def install() -> None:
    """Replaces the functions that recognise the root and make a Lambda's credentials, if IAM is enforced."""
    if not app.AUTH:
        return
    root = os.environ["AWS_ACCESS_KEY_ID"]
    secret = os.environ["AWS_SECRET_ACCESS_KEY"].encode()

    def is_root_access_key(access_key_id: str) -> bool:
        return access_key_id == root

    def is_trusted_unsigned(_: str) -> bool:
        return False

    def execution_credentials(config: Mapping[str, Any]) -> dict[str, str]:
        session = lambda_session(config, secret)
        sts.register_session(session["AccessKeyId"], session)
        return {
            "AWS_ACCESS_KEY_ID": session["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": session["SecretAccessKey"],
            "AWS_SESSION_TOKEN": session["SessionToken"],
        }

    enforce_execute_api = app._enforce_execute_api  # noqa: SLF001 (no public way, here and below)

    def enforce_of_route(api: str, stage: str, method: str, path: str, *request: Any, iam_action: str = _INVOKE) -> Any:
        """What reaches no route is answered with 404, as AWS does, and needs no key."""
        if iam_action == _INVOKE and app._execute_api_authorization_type(api, stage, method, path) is None:  # noqa: SLF001
            return None
        return enforce_execute_api(api, stage, method, path, *request, iam_action=iam_action)

    app._enforce_execute_api = enforce_of_route  # noqa: SLF001
    iam_evaluator.is_root_access_key = sts.is_root_access_key = is_root_access_key
    # Decides only whether a signature need not be verified.
    iam_evaluator._is_root_key = is_trusted_unsigned  # noqa: SLF001
    lambda_runtime.execution_credentials = lambda_svc.execution_credentials = execution_credentials


def lambda_session(config: Mapping[str, Any], secret: bytes) -> dict[str, str]:
    """Returns the session of a Lambda's role as MiniStack keeps it, the same for each process of the Lambda.

    Its keys are derived with `secret`, so that a URL which the Lambda signed stays valid when the stack starts again.
    """
    function_arn, role_arn = config["FunctionArn"], config.get("Role", "")
    role, name = role_arn.rpartition("/")[2], config["FunctionName"][:64]
    account = function_arn.split(":")[4]

    def derived(purpose: str) -> str:
        return hmac.new(secret, f"{purpose}:{function_arn}:{role_arn}".encode(), hashlib.sha256).hexdigest()

    return {
        "AccessKeyId": f"ASIA{derived('id')[:16].upper()}",
        "Arn": f"arn:aws:sts::{account}:assumed-role/{role}/{name}",
        "UserId": f"{role}:{name}",
        "SecretAccessKey": derived("secret"),
        "SessionToken": derived("token"),
    }
