"""`Identity`: a role of the installation without any permission, assumed under an own name for each pool."""

import threading
from datetime import UTC, datetime, timedelta

from botocore.exceptions import BotoCoreError, ClientError

from cadence.adapters.aws.clients import REGION, client, may_succeed_later
from cadence.application.placement.ports import IdentityKeys
from cadence.domain.shared.errors import ProviderRejected, Transient

_RENEWED = timedelta(minutes=5)


class PoolIdentity:
    def __init__(self, role_arn: str) -> None:
        self._role_arn = role_arn
        self._lock = threading.Lock()
        self._known: dict[str, tuple[datetime, IdentityKeys]] = {}

    @property
    def region(self) -> str:
        return REGION or "us-east-1"

    def keys(self, session: str) -> IdentityKeys:
        with self._lock:
            until, keys = self._known.get(session, (datetime.min.replace(tzinfo=UTC), None))
            if keys is None or datetime.now(UTC) >= until - _RENEWED:
                until, keys = self._assumed(session)
                self._known[session] = until, keys
            return keys

    def _assumed(self, session: str) -> tuple[datetime, IdentityKeys]:
        try:
            credentials = client("sts").assume_role(RoleArn=self._role_arn, RoleSessionName=session)["Credentials"]
        except (ClientError, BotoCoreError) as error:
            if may_succeed_later(error):
                raise Transient("AWS has no identity to give now") from None
            raise ProviderRejected(f"AWS gives this installation no identity to show: {error}") from None
        keys = IdentityKeys(credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"])
        return credentials["Expiration"], keys
