"""What the providers on AWS share: clients with a pool's credentials, and what AWS's refusals mean."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from cadence.domain.shared.errors import CadenceError, CapacityExhausted, NotFound, ProviderRejected, Transient
from cadence.providers.contract import Credentials
from cadence.providers.hidden import Hidden

Clients = Callable[[str, str], Any]
"""The client of a service in a region."""

_WORDS = 400
# A call is made once: whoever asked repeats it with its own patience, and counts each one.
CONFIG = Config(connect_timeout=5, read_timeout=15, retries={"total_max_attempts": 1})

CAPACITY = frozenset(
    {
        "CapacityNotAvailable",
        "FleetCapacityNotAvailable",
        "InstanceLimitExceeded",
        "InsufficientAddressCapacity",
        "InsufficientCapacity",
        "InsufficientCapacityOnHost",
        "InsufficientFreeAddressesInSubnet",
        "InsufficientHostCapacity",
        "InsufficientInstanceCapacity",
        "InsufficientReservedInstanceCapacity",
        "InsufficientVolumeCapacity",
        "LimitExceededException",
        "MaxSpotInstanceCountExceeded",
        "SpotMaxPriceTooLow",
        "UnfulfillableCapacity",
        "Unsupported",  # this type is not to be had in this zone
        "VcpuLimitExceeded",
        "VolumeLimitExceeded",
    }
)
CREDENTIALS = frozenset(
    {
        "AuthFailure",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "UnrecognizedClientException",
        "MissingAuthenticationToken",
        "OptInRequired",
        "Blocked",
    }
)
THROTTLES = frozenset(
    {
        "EC2ThrottledException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_BUSY = THROTTLES | frozenset(
    {
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "PriorRequestNotComplete",
        "ServerException",
        "ServiceUnavailable",
        "Unavailable",
        "UpdateInProgressException",
    }
)


def clients(credentials: Credentials, endpoint: str | None = None, config: Config = CONFIG) -> Clients:
    """`access_key_id`, `secret_access_key` and perhaps `session_token`; without them, the rights of whoever runs this."""

    @cache
    def client(service: str, region: str) -> Any:
        return botocore.session.get_session().create_client(
            service,
            region_name=region,
            endpoint_url=endpoint,
            config=config,
            aws_access_key_id=credentials.get("access_key_id"),
            aws_secret_access_key=credentials.get("secret_access_key"),
            aws_session_token=credentials.get("session_token"),
        )

    return client


def secrets_of(credentials: Credentials) -> Sequence[str]:
    """What no message may hold."""
    return [credentials[name] for name in ("secret_access_key", "session_token") if name in credentials]


@contextmanager
def decided(hidden: Hidden) -> Iterator[None]:
    """What AWS refuses within becomes the error that it means. Raises Transient, CapacityExhausted, ProviderRejected, NotFound."""
    try:
        yield
    except ClientError as error:
        raise _decide(error, hidden) from None
    except ParamValidationError as error:
        raise ProviderRejected(hidden.cut(f"AWS cannot take this: {error}")[:_WORDS]) from None
    except BotoCoreError as error:
        raise Transient(hidden.cut(f"AWS gave no answer: {error}")[:_WORDS]) from None


def code_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def words(code: str, message: str, hidden: Hidden) -> str:
    return hidden.cut(f"{code}: {' '.join(message.split())}")[:_WORDS]


def _decide(error: ClientError, hidden: Hidden) -> CadenceError:
    code = code_of(error)
    said = words(code, str(error.response.get("Error", {}).get("Message", "")), hidden)
    answer: Mapping[str, Any] = error.response.get("ResponseMetadata", {})
    if code in CAPACITY:
        return CapacityExhausted(f"AWS: {said}", reason=code)
    if code in _BUSY or answer.get("HTTPStatusCode", 0) >= 500:
        return Transient(f"AWS: {said}", retry_after=_retry_after(answer), reason=code)
    if "NotFound" in code and not code.startswith("InvalidAMIID"):
        return NotFound(f"AWS: {said}", reason=code)
    return ProviderRejected(f"AWS: {said}", reason=code)


def _retry_after(answer: Mapping[str, Any]) -> float:
    """EC2 tells none with a throttle; what stands before it may."""
    value = str(answer.get("HTTPHeaders", {}).get("retry-after", ""))
    return min(float(value), 3_600.0) if value.isdecimal() else 1.0


def tag_list(tags: Mapping[str, str]) -> list[Mapping[str, str]]:
    return [{"Key": name, "Value": value} for name, value in tags.items()]


def tag_map(tags: Iterable[Mapping[str, str]]) -> Mapping[str, str]:
    """Of EC2 (`Key`, `Value`) or ECS (`key`, `value`)."""
    return {tag.get("Key") or tag["key"]: tag.get("Value") or tag.get("value") or "" for tag in tags}
