"""The row of one Lambda, from which everything else about it is derived.

Sizes, roles, archives, event sources, schedules and settings come from the rows in ``infra.lambdas``; so do the
lists of Lambdas in ``pyproject.toml`` and ``docs/architecture/lambdas.md`` (``python -m infra.generate``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from infra.row.permissions import IamPermission, sends
from infra.row.queues import WATCHING_FAILED
from infra.row.triggers import LambdaTrigger

# Stands for the names of the indices in paths of the search service; all of them begin with the same prefix.
INDICES = "*INDICES*"

# IAM and botocore name some services differently.
_BOTOCORE_NAMES = {
    "states": "stepfunctions",
    "servicequotas": "service-quotas",
    "execute-api": "apigatewaymanagementapi",
}


@dataclass(frozen=True)
class SecretsKeyUse:
    """``actions`` on the key that encrypts secrets; ``context`` restricts them to secrets bound to these values."""

    actions: tuple[str, ...]
    context: Mapping[str, str] = field(default_factory=dict)


DECRYPTS = SecretsKeyUse(("kms:Decrypt",))
ENCRYPTS_AND_DECRYPTS = SecretsKeyUse(("kms:Encrypt", "kms:Decrypt"))


@dataclass(frozen=True)
class SearchServiceUse:
    """Actions of the search service on ``path`` below its address, in which ``INDICES`` stands for index names."""

    actions: tuple[str, ...]
    path: str


@dataclass(frozen=True)
class ValueBucketUse:
    """Actions of S3 in buckets that pools keep their values in.

    ``objects`` are pairs of actions and the prefixes of keys that they are allowed on; ``bucket`` are actions on the
    buckets themselves.
    """

    objects: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    bucket: tuple[str, ...] = ("ListBucket",)


@dataclass(frozen=True, kw_only=True)
class AsynchronousCalls:
    """How Lambda treats calls whose callers do not wait.

    A call is retried ``retries`` times, and dropped after ``longest_minutes``; with ``keeps_failed`` it is then sent
    to the queue ``watching-failed``.
    """

    retries: int
    longest_minutes: int
    keeps_failed: bool = False


@dataclass(frozen=True, kw_only=True)
class LambdaRow:
    """One Lambda: its code is in ``functions/<folder>``.

    ``room`` is the capability that it belongs to, ``purpose`` one sentence for the documentation. ``settings`` is the
    class in ``cadence.composition.shared.settings`` that it reads. ``memory`` is in MB (a Lambda's share of a CPU grows
    with it: 1,769 MB is one core), ``timeout`` in seconds, ``storage`` in MB of ``/tmp``. ``packages`` of the lock file
    are in its archive, with all that they need. ``provider`` is the folder of ``cadence/providers`` that it is made
    for. ``permissions`` are those of its own code; what its triggers need is added to them. One that
    ``reserves_concurrency`` keeps its share of the account's concurrent calls, however many the others have, if the
    deployment has ``reserved_concurrency``. One that ``joins_network`` runs in the subnets of the deployment's
    ``directory_network``, if it has one. One with ``audit_archive`` writes to the locked bucket of the audit log, if
    the deployment has one. One that ``reads_secret_sources`` reads secrets of projects in AWS Secrets Manager and SSM
    Parameter Store, below the deployment's prefixes.
    """

    folder: str
    room: str
    purpose: str
    triggers: tuple[LambdaTrigger, ...]
    settings: type
    packages: tuple[str, ...]
    permissions: tuple[IamPermission, ...]
    memory: int = 512
    timeout: int = 60
    storage: int = 512
    provider: str | None = None
    secrets_key: SecretsKeyUse | None = None
    search_service: tuple[SearchServiceUse, ...] = ()
    value_buckets: ValueBucketUse | None = None
    asynchronous: AsynchronousCalls | None = None
    reserves_concurrency: bool = False
    joins_network: bool = False
    audit_archive: bool = False
    reads_secret_sources: bool = False

    @property
    def all_permissions(self) -> tuple[IamPermission, ...]:
        """Returns the permissions of the code, of the triggers, and of what Lambda does with calls that failed."""
        of_triggers = tuple(permission for trigger in self.triggers for permission in trigger.permissions)
        of_failed = (sends(WATCHING_FAILED),) if self.asynchronous and self.asynchronous.keeps_failed else ()
        return (*self.permissions, *of_triggers, *of_failed)

    @property
    def called_services(self) -> frozenset[str]:
        """Returns the AWS services that the Lambda may call, as botocore names them."""
        actions = [action for permission in self.all_permissions for action in permission.actions]
        actions += self.secrets_key.actions if self.secrets_key else ()
        prefixes = {action.partition(":")[0] for action in actions}
        if self.search_service:
            prefixes.add("secretsmanager")
        if self.audit_archive:
            prefixes.add("s3")
        if self.reads_secret_sources:
            prefixes |= {"secretsmanager", "ssm"}
        return frozenset(_BOTOCORE_NAMES.get(prefix, prefix) for prefix in prefixes)
