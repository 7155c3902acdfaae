"""Tokens without a key: Google trusts AWS's statement about the installation (workload identity federation).

The installation assumes a role session of its own for each pool: the session's name is `organization.pool`, which is a
part of the subject that Google sees. So a pool gets only the rights that were granted to that very pool, independent of
the configuration that the owner of another pool enters.
"""

import hashlib
import json
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import google.auth.aws as google_aws
import requests
from google.auth.exceptions import GoogleAuthError, TransportError
from google.auth.transport.requests import Request

from cadence.application.placement.ports import Identity
from cadence.domain.shared.errors import ProviderRejected, Transient
from cadence.providers.hidden import Hidden
from cadence.providers.rest import quiet_session

STS = "https://sts.googleapis.com"
IAM = "https://iamcredentials.googleapis.com"
_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_SUBJECT = "urn:ietf:params:aws:token-type:aws4_request"
_AUDIENCE = re.compile(
    r"//iam\.googleapis\.com/projects/[0-9]{1,20}/locations/global/workloadIdentityPools/[a-z0-9-]{4,32}/providers/[a-z0-9-]{4,32}"
)
_IMPERSONATION = re.compile(
    r"https://iamcredentials\.googleapis\.com/v1/projects/-/serviceAccounts/([a-z0-9.@-]{6,200}):generateAccessToken"
)
_SECONDS = 10
# A session's name has at most 64 characters, and a subject of Google 127.
_LONGEST_SESSION = 48
_KEPT = 16


@dataclass(frozen=True)
class Federation:
    """The token request: `audience` is the provider of the workload identity pool.

    `account` is the service account to act as (None: the identity itself).
    """

    audience: str
    account: str | None

    @classmethod
    def from_configuration(cls, text: str) -> "Federation":
        """Reads the file that `gcloud iam workload-identity-pools create-cred-config --aws` writes.

        Addresses in the file are ignored. Raises ProviderRejected.
        """
        try:
            configuration: Any = json.loads(text)
            audience, impersonation_url = (
                str(configuration["audience"]),
                configuration.get("service_account_impersonation_url"),
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ProviderRejected(f"{_WRONG} it is no such file.") from None
        if configuration.get("type") != "external_account" or configuration.get("subject_token_type") != _SUBJECT:
            raise ProviderRejected(f"{_WRONG} it is of another kind (use --aws).")
        if not _AUDIENCE.fullmatch(audience):
            raise ProviderRejected(f"{_WRONG} its audience is no provider of a workload identity pool.")
        account = _IMPERSONATION.fullmatch(str(impersonation_url)) if impersonation_url else None
        if impersonation_url and account is None:
            raise ProviderRejected(f"{_WRONG} the account that it acts as is no service account.")
        return cls(audience, account[1] if account else None)


_WRONG = (
    "`workload_identity` of the pool's credentials has to be the file that gcloud's create-cred-config wrote, whole:"
)


class WorkloadTokens:
    """Gives the headers of a call. A token is exchanged when the last one is about to expire."""

    def __init__(
        self, federation: Federation, identity: Identity, session: str, hidden: Hidden, sts: str = STS, iam: str = IAM
    ) -> None:
        self._hidden = hidden
        self._lock = threading.Lock()
        self._request = _one_answer(Request(quiet_session()))
        impersonation_url = (
            f"{iam}/v1/projects/-/serviceAccounts/{federation.account}:generateAccessToken"
            if federation.account
            else None
        )
        self._credentials = google_aws.Credentials(  # type: ignore[no-untyped-call]
            audience=federation.audience,
            subject_token_type=_SUBJECT,
            token_url=f"{sts}/v1/token",
            aws_security_credentials_supplier=_SessionCredentials(identity, session),
            service_account_impersonation_url=impersonation_url,
            scopes=_SCOPES,
        )

    def token(self) -> Mapping[str, str]:
        with self._lock:
            if not self._credentials.valid:
                self._exchange()
                self._hidden.add(str(self._credentials.token))
            return {"Authorization": f"Bearer {self._credentials.token}"}

    def _exchange(self) -> None:
        try:
            self._credentials.refresh(self._request)  # type: ignore[no-untyped-call]
        except (TransportError, requests.RequestException):
            raise Transient("Google Cloud: the token endpoint does not answer") from None
        except GoogleAuthError as error:
            words = self._hidden.cut(" ".join(str(error).split()))[:300]
            raise ProviderRejected(f"Google Cloud: the workload identity is refused: {words}") from None


class _SessionCredentials(google_aws.AwsSecurityCredentialsSupplier):
    """The credentials of the installation's session for one pool."""

    def __init__(self, identity: Identity, session: str) -> None:
        self._identity, self._session = identity, session

    def get_aws_security_credentials(self, context: Any, request: Any) -> google_aws.AwsSecurityCredentials:
        keys = self._identity.keys(self._session)
        return google_aws.AwsSecurityCredentials(keys.key_id, keys.secret, keys.token)

    def get_aws_region(self, context: Any, request: Any) -> str:
        return self._identity.region


def session_name(organization: str, pool: str) -> str:
    """Returns the name of a pool's session; no other pool has it: names have no dots, and a digest has none either."""
    name = f"{organization}.{pool}"
    return name if len(name) <= _LONGEST_SESSION else hashlib.sha256(name.encode()).hexdigest()[:_LONGEST_SESSION]


_tokens: OrderedDict[tuple[Any, ...], tuple[Hidden, WorkloadTokens]] = OrderedDict()


def kept_tokens(
    federation: Federation, identity: Identity, session: str, sts: str = STS, iam: str = IAM
) -> tuple[Hidden, WorkloadTokens]:
    """Returns the tokens of a pool. A provider is made anew every half a minute, a token lasts for an hour."""
    key = (federation, identity, session, sts, iam)
    if key not in _tokens:
        hidden = Hidden()
        _tokens[key] = hidden, WorkloadTokens(federation, identity, session, hidden, sts, iam)
        while len(_tokens) > _KEPT:
            _tokens.popitem(last=False)
    return _tokens[key]


def _one_answer(request: Request) -> Any:
    """Returns a transport that is bounded in time; an answer that may differ later is Transient."""

    def call(*arguments: Any, **options: Any) -> Any:
        answer = request(*arguments, **{**options, "timeout": _SECONDS})
        if answer.status == 429 or answer.status >= 500:
            after = str(answer.headers.get("retry-after", ""))
            wait = float(after) if after.isdecimal() else 1.0
            raise Transient(
                f"Google Cloud: the token endpoint is not available now ({answer.status})", retry_after=wait
            )
        return answer

    return call
