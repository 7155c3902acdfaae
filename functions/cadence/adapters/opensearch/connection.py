"""Connections to a domain, and the translation of its errors."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from opensearchpy import OpenSearch, Urllib3AWSV4SignerAuth
from opensearchpy.exceptions import AuthenticationException, TransportError
from opensearchpy.exceptions import ConnectionError as NoConnection

from cadence.adapters.aws.clients import client, credentials, may_succeed_later
from cadence.domain.shared.errors import Transient

# Seconds for one request: longer than any search may take.
_PATIENCE = 20
_MAY_SUCCEED_LATER = frozenset({408, 429, 500, 502, 503, 504})


def connected(endpoint: str, region: str = "", secret_arn: str = "") -> OpenSearch:
    """Returns a client of the domain at `endpoint` (a URL).

    With `region`, requests are signed with the role's own credentials (SigV4). With `secret_arn`, they carry the user
    name and password that the secret of Secrets Manager holds as `{"username", "password"}`. Otherwise, they carry
    nothing.
    """
    authorization: Any = None
    if secret_arn:
        secret = json.loads(client("secretsmanager").get_secret_value(SecretId=secret_arn)["SecretString"])
        authorization = (secret["username"], secret["password"])
    elif region:
        authorization = Urllib3AWSV4SignerAuth(credentials(), region, "es")
    return OpenSearch(endpoint, http_auth=authorization, timeout=_PATIENCE, max_retries=0, http_compress=True)


class OpenSearchConnection:
    """The domain, connected to at the first request, so that a Lambda that does not use it does not wait for it."""

    def __init__(self, connect: Callable[[], OpenSearch]) -> None:
        self._connect = connect
        self._client: OpenSearch | None = None

    @contextmanager
    def asked(self) -> Iterator[OpenSearch]:
        """Runs a request.

        Raises Transient for errors that may pass; errors that the domain blames on the request are raised as they are.
        """
        try:
            if self._client is None:
                self._client = self._connect()
            yield self._client
        except NoConnection as error:
            raise Transient("The search service cannot be reached.") from error
        except AuthenticationException as error:
            # The password was changed: the next request reads the secret again.
            self._client = None
            raise Transient("The search service rejects the credentials.") from error
        except TransportError as error:
            if error.status_code in _MAY_SUCCEED_LATER:
                raise Transient("The search service is busy.") from error
            raise
        except (ClientError, BotoCoreError) as error:
            if may_succeed_later(error):
                raise Transient("The search service's secret cannot be read now.") from error
            raise
