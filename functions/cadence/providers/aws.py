"""Shared code of the providers on AWS: clients with a pool's credentials, and the meaning of AWS's refusals."""

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
"""A function from a service and a region to the client."""

_WORDS = 400
# A call is made once: the caller repeats it at its own pace, and counts each one.
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
        "Unsupported",  # this type is not sold in this zone
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
    """Returns clients with `access_key_id`, `secret_access_key` and perhaps `session_token`.

    Without these the clients have the rights of the running process.
    """

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
    """Returns the values that no message may contain."""
    return [credentials[name] for name in ("secret_access_key", "session_token") if name in credentials]


@contextmanager
def decided(hidden: Hidden) -> Iterator[None]:
    """Turns AWS's refusals within the block into the errors that they mean.

    Raises Transient, CapacityExhausted, ProviderRejected, NotFound.
    """
    try:
        yield
    except ClientError as error:
        raise _decide(error, hidden) from None
    except ParamValidationError as error:
        raise ProviderRejected(hidden.cut(f"AWS rejects the parameters: {error}")[:_WORDS]) from None
    except BotoCoreError as error:
        raise Transient(hidden.cut(f"AWS does not answer: {error}")[:_WORDS]) from None


def code_of(error: ClientError) -> str:
    """Returns AWS's code of the error."""
    return str(error.response.get("Error", {}).get("Code", ""))


def words(code: str, message: str, hidden: Hidden) -> str:
    """Returns code and message in one line, without secrets, at most 400 characters."""
    return hidden.cut(f"{code}: {' '.join(message.split())}")[:_WORDS]


def _decide(error: ClientError, hidden: Hidden) -> CadenceError:
    code = code_of(error)
    text = words(code, str(error.response.get("Error", {}).get("Message", "")), hidden)
    answer: Mapping[str, Any] = error.response.get("ResponseMetadata", {})
    if code in CAPACITY:
        return CapacityExhausted(f"AWS: {text}", reason=code)
    if code in _BUSY or answer.get("HTTPStatusCode", 0) >= 500:
        return Transient(f"AWS: {text}", retry_after=_retry_after(answer), reason=code)
    if "NotFound" in code and not code.startswith("InvalidAMIID"):
        return NotFound(f"AWS: {text}", reason=code)
    return ProviderRejected(f"AWS: {text}", reason=code)


def _retry_after(answer: Mapping[str, Any]) -> float:
    """Returns the seconds to wait. EC2 sends none with a throttle; a proxy before it may."""
    value = str(answer.get("HTTPHeaders", {}).get("retry-after", ""))
    return min(float(value), 3_600.0) if value.isdecimal() else 1.0


def tag_list(tags: Mapping[str, str]) -> list[Mapping[str, str]]:
    """Returns tags as EC2 takes them."""
    return [{"Key": name, "Value": value} for name, value in tags.items()]


def tag_map(tags: Iterable[Mapping[str, str]]) -> Mapping[str, str]:
    """Returns the tags of EC2 (`Key`, `Value`) or ECS (`key`, `value`) by name."""
    return {tag.get("Key") or tag["key"]: tag.get("Value") or tag.get("value") or "" for tag in tags}
