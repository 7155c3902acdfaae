"""Lambdas of providers, which start and stop runners: one for each kind of infrastructure.

A Lambda costs nothing while it is not called. Pools in an account of another owner act with their own credentials, and
need no permissions here.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cadence.composition.shared.settings import ProviderHostSettings, provider_settings
from infra.row import LambdaRow, SecretsKeyUse
from infra.row.packages import BASE
from infra.row.permissions import IamPermission, Target, answers, everything, items, sends, work_notifications
from infra.row.triggers import InvokedBy, MachineTask

if TYPE_CHECKING:
    from infra.resources import Resources

_CALLED = (MachineTask("treatment", ("Launch", "Release")), InvokedBy(("sweep", "api")))
_MARKED = "cadence-installation"


def _anywhere(service: str, *resources: str) -> tuple[Target, ...]:
    """Resources in any region: the settings of a pool name its region."""
    return tuple(lambda names, one=one: names.anywhere(service, one) for one in resources)


def _installation(names: "Resources") -> str:
    return names.installation


def _passes_roles_to(service: str) -> IamPermission:
    """Allows giving runners a role. The settings of a pool name the role, and its name has to permit that."""
    return IamPermission(
        ("iam:PassRole",), (lambda names: names.runner_roles(),), {"iam:PassedToService": lambda _: service}
    )


# Machines have to be tagged when they are created, and only tagged ones can be ended.
_EC2 = (
    IamPermission(
        (
            "ec2:DescribeAvailabilityZones",
            "ec2:DescribeImages",
            "ec2:DescribeInstanceTypeOfferings",
            "ec2:DescribeInstances",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "servicequotas:GetServiceQuota",
        ),
        (everything,),
    ),
    IamPermission(("ec2:CreateLaunchTemplate", "ec2:CreateFleet"), (everything,)),
    IamPermission(
        ("ec2:RunInstances", "ec2:CreateTags"),
        _anywhere("ec2", "instance/*", "volume/*"),
        {f"aws:RequestTag/{_MARKED}": _installation},
    ),
    IamPermission(("ec2:CreateTags",), _anywhere("ec2", "launch-template/*")),
    IamPermission(
        ("ec2:RunInstances",),
        _anywhere("ec2", "image/*", "launch-template/*", "network-interface/*", "security-group/*", "subnet/*"),
    ),
    IamPermission(
        ("ec2:GetConsoleOutput", "ec2:ModifyInstanceAttribute", "ec2:StartInstances", "ec2:TerminateInstances"),
        _anywhere("ec2", "instance/*"),
        {f"aws:ResourceTag/{_MARKED}": _installation},
    ),
    # An instance profile has a role, and ``resolve:ssm:…`` names an image.
    _passes_roles_to("ec2.amazonaws.com"),
    IamPermission(("ssm:GetParameters",), _anywhere("ssm", "parameter/aws/service/*", "parameter/cadence/*")),
)

_FARGATE = (
    IamPermission(
        (
            "ec2:DescribeSubnets",
            "ecr:DescribeImages",
            "ecs:DescribeClusters",
            "ecs:DescribeTasks",
            "ecs:ListClusters",
            "ecs:ListTasks",
            "ecs:RegisterTaskDefinition",
            "servicequotas:GetServiceQuota",
        ),
        (everything,),
    ),
    IamPermission(
        ("ecs:RunTask", "ecs:TagResource"),
        _anywhere("ecs", "task-definition/cadence-*"),
        {f"aws:RequestTag/{_MARKED}": _installation},
    ),
    IamPermission(("ecs:TagResource",), _anywhere("ecs", "task/*"), {f"aws:RequestTag/{_MARKED}": _installation}),
    IamPermission(("ecs:StopTask",), _anywhere("ecs", "task/*"), {f"aws:ResourceTag/{_MARKED}": _installation}),
    _passes_roles_to("ecs-tasks.amazonaws.com"),
    IamPermission(("logs:GetLogEvents",), _anywhere("logs", "log-group:*")),
)

# The role has no permissions; its sessions are named after pools.
_ASSUMES_POOL_IDENTITY = (IamPermission(("sts:AssumeRole",), (lambda names: names.pool_identity_role(),)),)


def _calling_home(
    name: str,
    infrastructure: str,
    packages: tuple[str, ...] = (),
    permissions: tuple[IamPermission, ...] = (),
    memory: int = 512,
) -> LambdaRow:
    """Returns the row of a provider whose machines call home: they request their assignment when they have booted.

    ``packages`` of the lock file are added to those of every such provider, ``permissions`` in the installation's
    own account likewise.
    """
    return LambdaRow(
        folder=f"provider_{name}",
        room="providers",
        purpose=f"Starts and stops runners {infrastructure}.",
        triggers=_CALLED,
        settings=provider_settings(name),
        packages=(*BASE, "tzdata", *packages),
        memory=memory,
        provider=name,
        # The credentials of pools, and the one-time tokens of runners that have not called home yet: both are bound
        # to the provider's name.
        secrets_key=SecretsKeyUse(("kms:Encrypt", "kms:Decrypt"), {"provider": name}),
        permissions=(
            items("access", "GetItem"),
            # A treatment says that its start waits for its turn with the infrastructure's API.
            items("runs", "GetItem", "BatchGetItem", "UpdateItem"),
            items("runners", "GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"),
            answers("treatment", "Success", "Failure"),
            sends("deadlines"),
            *permissions,
        ),
    )


# By the provider's name in `cadence.domain.placement.pool`.
CALLING_HOME: Mapping[str, LambdaRow] = {
    "aws_ec2": _calling_home("aws_ec2", "on EC2 instances", permissions=_EC2),
    "aws_fargate": _calling_home("aws_fargate", "as tasks of ECS on Fargate", permissions=_FARGATE),
    "azure": _calling_home("azure", "on virtual machines of Azure", packages=("msal",)),
    "gcp": _calling_home(
        "gcp",
        "on instances of Google Compute Engine",
        packages=("cryptography", "google-auth", "requests"),
        permissions=_ASSUMES_POOL_IDENTITY,
    ),
    "github_actions": _calling_home(
        "github_actions", "as jobs of GitHub Actions", packages=("cryptography", "pyjwt", "requests")
    ),
    "gitlab": _calling_home("gitlab", "as jobs of GitLab CI", packages=("requests",)),
    "kubernetes": _calling_home("kubernetes", "as pods of a Kubernetes cluster", packages=("requests",)),
    "openstack": _calling_home("openstack", "on servers of OpenStack", packages=("keystoneauth1",)),
    "scaleway": _calling_home("scaleway", "on instances of Scaleway", packages=("requests",)),
    # The description of vSphere's API is kept in memory.
    "vsphere": _calling_home("vsphere", "on virtual machines of vSphere", packages=("pyvmomi",), memory=1024),
}

ROWS = (
    LambdaRow(
        folder="provider_host",
        room="providers",
        purpose="Starts and stops runners on hosts that joined a pool.",
        triggers=_CALLED,
        settings=ProviderHostSettings,
        packages=BASE,
        provider="host",
        permissions=(
            items("runs", "GetItem", "BatchGetItem"),
            items("runners", "GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"),
            answers("treatment", "Success", "Failure"),
            sends("deadlines"),
            work_notifications("SendMessage"),
        ),
    ),
    *CALLING_HOME.values(),
)
