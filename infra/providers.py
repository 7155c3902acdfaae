"""The Lambdas of providers whose machines call home: one row each, by the provider's name in ``cadence.domain.placement.pool``.

From a row come the Lambda ``provider_<name>``, its size, its archive and its role. A Lambda costs nothing while nobody calls it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.permission import Permission, Target, everything

if TYPE_CHECKING:
    from infra.resources import Resources


@dataclass(frozen=True)
class ProviderLambda:
    """``packages`` of the lock file beside what every provider needs; ``permissions`` in the installation's own account beside those of every provider.

    ``memory`` in MB, ``timeout`` in seconds. A pool in somebody else's account acts by its own credentials, and needs none here.
    """

    packages: tuple[str, ...] = ()
    permissions: tuple[Permission, ...] = ()
    memory: int = 512
    timeout: int = 60


_MARKED = "cadence-installation"


def _anywhere(service: str, *resources: str) -> tuple[Target, ...]:
    """In any region: where a pool is, its settings say."""
    return tuple(lambda names, one=one: names.anywhere(service, one) for one in resources)


def _installation(names: "Resources") -> str:
    return names.installation


# What is made has to be marked, and only what is marked can be ended.
_EC2 = (
    Permission(
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
    Permission(("ec2:CreateLaunchTemplate", "ec2:CreateFleet"), (everything,)),
    Permission(
        ("ec2:RunInstances", "ec2:CreateTags"),
        _anywhere("ec2", "instance/*", "volume/*"),
        {f"aws:RequestTag/{_MARKED}": _installation},
    ),
    Permission(("ec2:CreateTags",), _anywhere("ec2", "launch-template/*")),
    Permission(
        ("ec2:RunInstances",),
        _anywhere("ec2", "image/*", "launch-template/*", "network-interface/*", "security-group/*", "subnet/*"),
    ),
    Permission(
        ("ec2:GetConsoleOutput", "ec2:ModifyInstanceAttribute", "ec2:StartInstances", "ec2:TerminateInstances"),
        _anywhere("ec2", "instance/*"),
        {f"aws:ResourceTag/{_MARKED}": _installation},
    ),
)

_FARGATE = (
    Permission(
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
    Permission(
        ("ecs:RunTask", "ecs:TagResource"),
        _anywhere("ecs", "task-definition/cadence-*", "task/*"),
        {f"aws:RequestTag/{_MARKED}": _installation},
    ),
    Permission(("ecs:StopTask",), _anywhere("ecs", "task/*"), {f"aws:ResourceTag/{_MARKED}": _installation}),
    Permission(("logs:GetLogEvents",), _anywhere("logs", "log-group:*")),
)

# The role may do nothing; its sessions are named after pools.
_SHOWS_ITSELF = (Permission(("sts:AssumeRole",), (lambda names: names.pool_identity_role(),)),)

PROVIDER_LAMBDAS: Mapping[str, ProviderLambda] = {
    "aws_ec2": ProviderLambda(permissions=_EC2),
    "aws_fargate": ProviderLambda(permissions=_FARGATE),
    "kubernetes": ProviderLambda(packages=("requests",)),
    "azure": ProviderLambda(packages=("msal",)),
    "gcp": ProviderLambda(packages=("cryptography", "google-auth", "requests"), permissions=_SHOWS_ITSELF),
    "github_actions": ProviderLambda(packages=("cryptography", "pyjwt", "requests")),
    "gitlab": ProviderLambda(packages=("requests",)),
    "openstack": ProviderLambda(packages=("keystoneauth1",)),
    "scaleway": ProviderLambda(packages=("requests",)),
    # The description of vSphere's API takes its place in memory.
    "vsphere": ProviderLambda(packages=("pyvmomi",), memory=1024),
}


def folder(provider: str) -> str:
    """The folder in ``functions/`` of a provider's Lambda."""
    return f"provider_{provider}"
