"""`SourceReader` for AWS Secrets Manager and for SSM Parameter Store, in the installation's own account and region."""

import threading
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cadence.adapters.aws import clients
from cadence.adapters.aws.clients import client_within, may_succeed_later
from cadence.application.shared.secret_sources import SourcedValue
from cadence.domain.access.secret_source import SecretSource, pick_field
from cadence.domain.shared.errors import CannotRun, Transient

_SECONDS = 5
_LOCK = threading.Lock()
_MISSING = frozenset({"ResourceNotFoundException", "ParameterNotFound", "ParameterVersionNotFound"})
_DENIED = frozenset({"AccessDeniedException", "AccessDenied"})


class SecretsManagerReader:
    """Reads the current version (`AWSCURRENT`) of a secret."""

    def read(self, source: SecretSource, credential: str) -> SourcedValue:
        answer = _ask("secretsmanager", "get_secret_value", {"SecretId": source.name})
        if "SecretString" not in answer:
            raise CannotRun("it is binary. Store it as text, for example as base64.")
        return SourcedValue(pick_field(answer["SecretString"], source.field), str(answer["VersionId"]))


class ParameterStoreReader:
    """Reads the newest version of a parameter, decrypted if it is a SecureString."""

    def read(self, source: SecretSource, credential: str) -> SourcedValue:
        parameter = _ask("ssm", "get_parameter", {"Name": source.name, "WithDecryption": True})["Parameter"]
        return SourcedValue(pick_field(parameter["Value"], source.field), str(parameter["Version"]))


def _ask(service: str, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Calls AWS once. Raises CannotRun and Transient; messages have AWS's code, never its text."""
    try:
        with _LOCK:  # botocore's session must not make two clients at a time
            caller = client_within(service, _SECONDS)
        answer: dict[str, Any] = getattr(caller, operation)(**parameters)
    except (ClientError, BotoCoreError) as error:
        raise _problem(error) from None
    return answer


def _problem(error: ClientError | BotoCoreError) -> CannotRun | Transient:
    code = str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""
    if may_succeed_later(error):
        return Transient(f"AWS does not answer ({code or 'no connection'}). It is asked again.")
    if code in _MISSING:
        return CannotRun(f"it does not exist in {clients.REGION}. Create it there, in the installation's own account.")
    if code in _DENIED:
        return CannotRun(
            f"AWS refuses it ({code}). The operator lets the installation read it: by the prefix it is deployed with, "
            "and, if the secret has a key of its own, by that key's policy."
        )
    if code == "InvalidRequestException":
        return CannotRun(f"AWS refuses it ({code}): it may be scheduled for deletion. Restore it there.")
    return CannotRun(f"AWS refuses it ({code or 'the request is not valid'}). Look it up in {clients.REGION}.")
