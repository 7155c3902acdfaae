"""Connections to a domain, and what becomes of its errors."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opensearchpy import OpenSearch, Urllib3AWSV4SignerAuth
from opensearchpy.exceptions import ConnectionError as NoConnection
from opensearchpy.exceptions import TransportError

from cadence.adapters.aws import client, credentials
from cadence.domain.errors import Transient

# Of one request, in seconds: longer than any search may take.
_PATIENCE = 20
_MAY_SUCCEED_LATER = frozenset({408, 429, 500, 502, 503, 504})


def connected(endpoint: str, region: str = "", secret_arn: str = "") -> OpenSearch:
    """A client of the domain at `endpoint` (a URL).

    With `region`, requests are signed with the role's own credentials (SigV4). With `secret_arn`, they carry the user name
    and password that the secret of Secrets Manager holds as `{"username", "password"}`. Otherwise, they carry nothing.
    """
    authorization: Any = None
    if secret_arn:
        secret = json.loads(client("secretsmanager").get_secret_value(SecretId=secret_arn)["SecretString"])
        authorization = (secret["username"], secret["password"])
    elif region:
        authorization = Urllib3AWSV4SignerAuth(credentials(), region, "es")
    return OpenSearch(endpoint, http_auth=authorization, timeout=_PATIENCE, max_retries=0, http_compress=True)


@contextmanager
def answered() -> Iterator[None]:
    """Raises Transient for what may succeed later; what the domain takes for our mistake passes."""
    try:
        yield
    except NoConnection as error:
        raise Transient("The search service cannot be reached.") from error
    except TransportError as error:
        if error.status_code in _MAY_SUCCEED_LATER:
            raise Transient("The search service is busy.") from error
        raise
