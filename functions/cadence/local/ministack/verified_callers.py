"""Verifies each caller's signature where MiniStack enforces IAM, that of the account's root included.

MiniStack takes a request for the root's if it names the key `test`, the number of the account, or the root's key,
whatever its signature. It also derives the credentials of a Lambda's role from names that anyone can know.

An upload by a form has its signature in the form, which the bucket verifies.
"""

import hashlib
import hmac
import os
import re
from collections.abc import Mapping
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any

from ministack import app
from ministack.core import iam_evaluator, lambda_runtime, responses
from ministack.services import lambda_svc, s3, sts

from cadence.local.ministack.replaced_names import with_names
from cadence.local.ministack.request_guard import AsgiApp, Receive, Scope, Send

_INVOKE = "execute-api:Invoke"
_BUCKET = re.compile(r"/[a-z0-9.-]{3,63}/?")
_is_form: ContextVar[bool] = ContextVar("is_form", default=False)


def install() -> None:
    """Replaces the functions that recognise the root and make a Lambda's credentials, if IAM is enforced."""
    if not app.AUTH:
        return
    root = os.environ["AWS_ACCESS_KEY_ID"]
    secret = os.environ["AWS_SECRET_ACCESS_KEY"].encode()

    def is_root_access_key(access_key_id: str) -> bool:
        return access_key_id == root or (not access_key_id and _is_form.get())

    def refuse_unsigned_form(*_: object) -> Any:
        return s3._error("AccessDenied", "Access Denied", 403)  # noqa: SLF001 (no public way, here and below)

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

    enforce_execute_api = app._enforce_execute_api  # noqa: SLF001

    def enforce_of_route(api: str, stage: str, method: str, path: str, *request: Any, iam_action: str = _INVOKE) -> Any:
        """What reaches no route is answered with 404, as AWS does, and needs no key."""
        if iam_action == _INVOKE and app._execute_api_authorization_type(api, stage, method, path) is None:  # noqa: SLF001
            return None
        return enforce_execute_api(api, stage, method, path, *request, iam_action=iam_action)

    iam_evaluator.request_caller_arn = with_names(iam_evaluator.request_caller_arn, resolve_principal=principal_alone)
    app.app = noticing_forms(app.app)
    app._enforce_execute_api = enforce_of_route  # noqa: SLF001
    # It is called for forms without a signature, and has no other use.
    s3._enforce_post_policy_size = refuse_unsigned_form  # noqa: SLF001
    iam_evaluator.is_root_access_key = sts.is_root_access_key = is_root_access_key
    # Decides only whether a signature need not be verified.
    iam_evaluator._is_root_key = is_trusted_unsigned  # noqa: SLF001
    lambda_runtime.execution_credentials = lambda_svc.execution_credentials = execution_credentials


def principal_alone(access_key_id: str, account_id: str) -> Any:
    """Stands for MiniStack's `resolve_principal` where only the ARN is used: it does not gather the policies, which
    MiniStack gathers again to evaluate them. Returns None for a key that is not known.
    """
    account = responses._account_from_sts_session(access_key_id) or account_id  # noqa: SLF001
    found = iam_evaluator.resolve_credential(access_key_id, account)
    known = isinstance(found, iam_evaluator.ResolvedCredential)
    return SimpleNamespace(arn=found.principal_arn) if known else None


def noticing_forms(server: AsgiApp) -> AsgiApp:
    """Returns `server`, for which `_is_form` tells whether a request is an upload by a form."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        _is_form.set(is_form(scope))
        await server(scope, receive, send)

    return serve


def is_form(scope: Scope) -> bool:
    """Whether a request is a form that is sent to a bucket, without credentials elsewhere."""
    if scope.get("method") != "POST" or scope["query_string"] or not _BUCKET.fullmatch(scope["path"]):
        return False
    headers = {name.lower(): value for name, value in scope["headers"]}
    return b"authorization" not in headers and headers.get(b"content-type", b"").startswith(b"multipart/form-data")


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
