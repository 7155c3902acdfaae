"""Settings of a deployment of Cadence, read from the CDK context."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from cadence.domain.shared.retention import KEPT
from cadence.domain.values.value_retention import bucket_regions
from cadence.local.shared.region import REGION
from infra.secret_sources import SecretSources, read_secret_sources

if TYPE_CHECKING:
    from constructs import Node

Place = Literal["aws", "local"]
LogStreamMode = Literal["parkable", "always"]
AuditLock = Literal["governance", "compliance"]
LogCapacity = Literal["one-shard", "on-demand"]

# Tables keep items no longer than this; objects kept longer could not be found.
_MOST_DAYS = KEPT.days
_LOCKS = ("off", "governance", "compliance")
_HOST = re.compile(r"[a-z0-9.-]{1,253}(:[0-9]{1,5})?")
_ENDPOINT = re.compile(r"(https?://[a-z0-9.-]{1,253}(:[0-9]{1,5})?)?")
_DOMAIN_ARN = re.compile(r"arn:aws[a-z-]*:es:[a-z0-9-]+:[0-9]{12}:domain/[a-z][a-z0-9-]{2,27}")
_SECRET_ARN = re.compile(r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]{1,512}")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]=[a-z]{2}(-[a-z]+)+-[0-9]")
# Without hyphens: `cadence-main-alert-deliveries` would be a name of the stages `main` and `main-alert`.
_STAGE = re.compile(r"[a-z][a-z0-9]{0,15}")


@dataclass(frozen=True)
class SearchService:
    """An OpenSearch domain that holds the log lines; none if the endpoint is empty.

    Requests to it are signed if ``domain_arn`` is set; otherwise they carry the user and password in the secret
    ``secret_arn`` of Secrets Manager (``{"username", "password"}``).
    """

    endpoint: str
    domain_arn: str
    secret_arn: str

    @property
    def region(self) -> str:
        """Returns the region that requests are signed for; empty if they are not signed."""
        return self.domain_arn.split(":")[3] if self.domain_arn else ""


@dataclass(frozen=True)
class DirectoryNetwork:
    """Subnets of the user's own network, from which its directory can be reached, and security groups there."""

    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]


@dataclass(frozen=True)
class Deployment:
    """One deployment.

    ``stage`` distinguishes deployments in one account: every name starts with ``cadence-<stage>-``.
    ``log_capacity`` is whether the log stream has one shard, or as many as the load needs.
    ``retention_days`` is how long values and logs of runs are kept. ``cache_mebibytes`` and
    ``project_cache_mebibytes`` are what one cache and all caches of a project may take, ``project_storage_mebibytes``
    what all values of a project may take, ``log_mebibytes`` and
    ``project_log_mebibytes`` what is kept of the log of one attempt, and of all logs of a project within a day.
    ``git_hosts`` are hosts
    (``name`` or ``name:port``, commas between them) that repositories are read from though they have no public
    address; ``*`` is everything, files of this machine included. ``outbound_hosts`` are hosts, written in the same
    way, that messages of alerts and exports are sent to, and that registries of images are asked at, though they
    have no public address. ``search`` is the service that searches the log lines, beside the splits in S3.
    ``value_buckets`` are buckets that pools may keep their values in (``name=region``, commas between them); their
    owners create them. ``cloudwatch_metrics`` is whether a few metrics are sent to CloudWatch, which bills each
    one. ``reserved_concurrency`` is how many concurrent calls are reserved for each Lambda that ends what others
    began (``None``: no reservation, as in a new account, where AWS has ten for everything and lets none be
    reserved). ``directory_hosts`` are hosts, written as ``git_hosts``, of LDAP servers that have no public address;
    ``directory_network`` is where the Lambda that asks them is placed. ``audit_lock`` is the mode of Object Lock of a
    bucket that keeps the audit log for ``audit_lock_days`` (``None``: there is no such bucket). ``secret_sources`` are
    the names in AWS Secrets Manager and SSM Parameter Store that secrets of projects may be read from. ``bundles`` is
    whether the Lambdas carry their dependencies (see ``packaging``).
    """

    place: Place
    stage: str
    retention_days: int
    log_stream: LogStreamMode
    log_capacity: LogCapacity
    bundles: bool
    nag: bool
    cache_mebibytes: int
    project_cache_mebibytes: int
    project_storage_mebibytes: int
    log_mebibytes: int
    project_log_mebibytes: int
    git_hosts: str
    outbound_hosts: str
    cloudwatch_metrics: bool
    search: SearchService
    value_buckets: str
    reserved_concurrency: int | None
    directory_hosts: str
    directory_network: DirectoryNetwork | None
    audit_lock: AuditLock | None
    audit_lock_days: int
    secret_sources: SecretSources

    @property
    def value_bucket_names(self) -> tuple[str, ...]:
        """Returns the names of the buckets that pools may keep their values in."""
        return tuple(bucket_regions(self.value_buckets))

    @property
    def is_local(self) -> bool:
        """Returns whether the deployment is the local stack, on one machine."""
        return self.place == "local"

    def name(self, thing: str) -> str:
        """Returns the physical name of ``thing`` in this deployment."""
        return f"cadence-{self.stage}-{thing}"

    def function_name(self, folder: str) -> str:
        """Returns the name of the Lambda whose code is in ``functions/<folder>``."""
        return self.name(folder.replace("_", "-"))


def read_deployment(node: "Node") -> Deployment:
    """Reads the deployment from the context of the app. Raises ``ValueError``, which names the key that is wrong."""
    place = _choice(node, "place", "aws", ("aws", "local"))
    stage = str(node.try_get_context("stage") or "main")
    if not _STAGE.fullmatch(stage):
        raise ValueError(f"context 'stage' is {stage!r}: use up to 16 lower-case letters and digits")
    local = place == "local"
    return Deployment(
        place=cast(Place, place),
        stage=stage,
        retention_days=_days(node, "retention_days", 7 if local else 90),
        log_stream=cast(
            LogStreamMode, _choice(node, "log_stream", "always" if local else "parkable", ("parkable", "always"))
        ),
        log_capacity=cast(
            LogCapacity,
            _choice(node, "log_capacity", "one-shard", ("one-shard",) if local else ("one-shard", "on-demand")),
        ),
        bundles=_choice(node, "bundles", "false" if local else "true", ("true", "false")) == "true",
        nag=_choice(node, "nag", "false", ("true", "false")) == "true",
        cache_mebibytes=_mebibytes(node, "cache_mebibytes", 5 << 10),
        project_cache_mebibytes=_mebibytes(node, "project_cache_mebibytes", 20 << 10),
        project_storage_mebibytes=_mebibytes(node, "project_storage_mebibytes", 1 << 20),
        log_mebibytes=_mebibytes(node, "log_mebibytes", 1 << 10),
        project_log_mebibytes=_mebibytes(node, "project_log_mebibytes", 20 << 10),
        git_hosts=_hosts(node, "git_hosts", "*" if local else ""),
        outbound_hosts=_hosts(node, "outbound_hosts", "*" if local else ""),
        cloudwatch_metrics=_choice(node, "cloudwatch_metrics", "true" if local else "false", ("true", "false"))
        == "true",
        search=_search_service(node, local),
        value_buckets=_buckets(node, f"cadence-{stage}-elsewhere={REGION}" if local else ""),
        reserved_concurrency=_reserved_concurrency(node),
        directory_hosts=_hosts(node, "directory_hosts", "*" if local else ""),
        directory_network=_directory_network(node, local),
        audit_lock=cast(
            AuditLock | None, None if (lock := _choice(node, "audit_lock", "off", _LOCKS)) == "off" else lock
        ),
        audit_lock_days=_lock_days(node),
        secret_sources=read_secret_sources(node, is_local=local),
    )


def _search_service(node: "Node", local: bool) -> SearchService:
    endpoint = str(node.try_get_context("search_endpoint") or "")
    domain_arn = str(node.try_get_context("search_domain") or "")
    secret_arn = str(node.try_get_context("search_secret") or "")
    if not _ENDPOINT.fullmatch(endpoint) or (endpoint.startswith("http:") and not local):
        raise ValueError(f"context 'search_endpoint' is {endpoint!r}: use the https:// URL of an OpenSearch domain")
    if domain_arn and not _DOMAIN_ARN.fullmatch(domain_arn):
        raise ValueError(f"context 'search_domain' is {domain_arn!r}: use the ARN of the OpenSearch domain")
    if secret_arn and not _SECRET_ARN.fullmatch(secret_arn):
        raise ValueError(f"context 'search_secret' is {secret_arn!r}: use the ARN of a secret of Secrets Manager")
    named = bool(domain_arn) + bool(secret_arn)
    if named > bool(endpoint) or (endpoint and not named and not local):
        raise ValueError(
            "context 'search_endpoint' needs one of 'search_domain' (requests are signed) and 'search_secret' (user and password)"
        )
    return SearchService(endpoint, domain_arn, secret_arn)


def _directory_network(node: "Node", local: bool) -> DirectoryNetwork | None:
    named: dict[str, tuple[str, ...]] = {}
    for key, kind in (("directory_subnets", "subnet"), ("directory_security_groups", "sg")):
        given = str(node.try_get_context(key) or "")
        named[key] = tuple(one for one in given.split(",") if one)
        if not all(re.fullmatch(rf"{kind}-[0-9a-f]{{8,17}}", one) for one in named[key]):
            raise ValueError(f"context {key!r} is {given!r}: use ids ({kind}-…) with commas between them")
    subnets, groups = named.values()
    if bool(subnets) != bool(groups) or (subnets and local):
        raise ValueError(
            "context 'directory_subnets' and 'directory_security_groups' are given together, and in AWS only"
        )
    return DirectoryNetwork(subnets, groups) if subnets else None


def _choice(node: "Node", key: str, default: str, allowed: tuple[str, ...]) -> str:
    given = node.try_get_context(key)
    value = default if given is None else str(given).lower()
    if value not in allowed:
        raise ValueError(f"context {key!r} is {value!r}: use one of {', '.join(allowed)}")
    return value


def _mebibytes(node: "Node", key: str, default: int) -> int:
    given = node.try_get_context(key)
    text = str(default if given is None else given)
    if not re.fullmatch(r"[1-9][0-9]{0,7}", text):
        raise ValueError(f"context {key!r} is {given!r}: use a whole number of MiB from 1 to 99,999,999")
    return int(text)


def _reserved_concurrency(node: "Node") -> int | None:
    given = node.try_get_context("reserved_concurrency")
    if given is None:
        return None
    if not re.fullmatch(r"[1-9][0-9]{0,3}", str(given)):
        raise ValueError(f"context 'reserved_concurrency' is {given!r}: use a whole number from 1 to 9,999")
    return int(given)


def _lock_days(node: "Node") -> int:
    given = node.try_get_context("audit_lock_days")
    text = str(365 if given is None else given)
    if not re.fullmatch(r"[1-9][0-9]{0,4}", text) or int(text) > 36_500:
        raise ValueError(f"context 'audit_lock_days' is {given!r}: use a whole number of days from 1 to 36500")
    return int(text)


def _hosts(node: "Node", key: str, default: str) -> str:
    given = node.try_get_context(key)
    hosts = default if given is None else str(given)
    if hosts != "*" and not all(_HOST.fullmatch(host) for host in hosts.split(",") if hosts):
        raise ValueError(
            f"context {key!r} is {given!r}: use names of hosts (name or name:port) with commas between them"
        )
    return hosts


def _buckets(node: "Node", default: str) -> str:
    given = node.try_get_context("value_buckets")
    buckets = default if given is None else str(given)
    named = [one for one in buckets.split(",") if one]
    names = {one.partition("=")[0] for one in named}
    if not all(_BUCKET.fullmatch(one) for one in named) or len(names) < len(named):
        raise ValueError(
            f"context 'value_buckets' is {given!r}: use names of buckets with their regions (name=region), commas between them"
        )
    return ",".join(named)


def _days(node: "Node", key: str, default: int) -> int:
    given = node.try_get_context(key)
    try:
        days = default if given is None else int(given)
    except ValueError:
        days = 0
    if not 1 <= days <= _MOST_DAYS:
        raise ValueError(f"context {key!r} is {given!r}: use a whole number of days from 1 to {_MOST_DAYS}")
    return days
