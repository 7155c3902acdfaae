"""Checks whether a pool could start tasks, with descriptions only: nothing that costs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from cadence.domain.shared.errors import CadenceError
from cadence.providers.aws import CREDENTIALS, Clients, code_of, decided, words
from cadence.providers.aws_fargate import tasks
from cadence.providers.aws_fargate.settings import FargateSettings
from cadence.providers.contract import Check
from cadence.providers.hidden import Hidden
from cadence.providers.marks import MachineOwner

_QUOTAS = {False: "L-3032A538", True: "L-36FBB829"}  # vCPUs on demand, and spot
Look = Callable[[], tuple[str | None, str | None]]
"""A function to what is missing (None: nothing), and a hint."""


@dataclass(frozen=True)
class FargateProbe:
    """The checks of a pool."""

    owner: MachineOwner
    settings: FargateSettings
    clients: Clients
    hidden: Hidden

    def checks(self) -> Sequence[Check]:
        """Returns all checks, credentials first: without them the others have no result."""
        results = [self._look("credentials", self._cluster)]
        if results[0].missing:
            return results
        looks: Mapping[str, Look] = {
            "cluster": self._providers,
            "network": self._network,
            "image": self._image,
            "permissions": self._definition,
            "quota": self._quota,
        }
        return [*results, *(self._look(subject, look) for subject, look in looks.items())]

    def _look(self, subject: str, look: Look) -> Check:
        try:
            with decided(self.hidden):
                missing, hint = look()
        except CadenceError as error:
            missing, hint = error.message, None
        return Check(subject, missing, hint)

    def _cluster(self) -> tuple[str | None, str | None]:
        try:
            self._ecs.list_clusters()
        except ClientError as error:
            if code_of(error) not in CREDENTIALS:
                raise
            message = words(code_of(error), error.response["Error"].get("Message", ""), self.hidden)
            return (
                message,
                "Give access_key_id and secret_access_key of a user of this account, or none for its own role.",
            )
        return None, None

    def _providers(self) -> tuple[str | None, str | None]:
        clusters = self._ecs.describe_clusters(clusters=[self.settings.cluster])["clusters"]
        active = [cluster for cluster in clusters if cluster.get("status") == "ACTIVE"]
        if not active:
            return f"there is no cluster {self.settings.cluster} in {self.settings.region}", None
        required = {"FARGATE_SPOT" if choice.spot else "FARGATE" for choice in self.settings.sizes}
        gone = sorted(required - set(active[0].get("capacityProviders", ())))
        if gone:
            hint = f"aws ecs put-cluster-capacity-providers --cluster {self.settings.cluster} … {' '.join(gone)}"
            return f"the cluster has no capacity provider {', '.join(gone)}", hint
        return None, None

    def _network(self) -> tuple[str | None, str | None]:
        ec2 = self.clients("ec2", self.settings.region)
        subnets = ec2.describe_subnets(SubnetIds=list(self.settings.subnets))["Subnets"]
        full = [subnet["SubnetId"] for subnet in subnets if not subnet.get("AvailableIpAddressCount", 1)]
        return (f"no free address in {', '.join(full)}", None) if full else (None, None)

    def _image(self) -> tuple[str | None, str | None]:
        """Checks an image in a registry of AWS; others are pulled only when a task starts."""
        host, _, rest = self.settings.image.partition("/")
        parts = host.split(".")
        if len(parts) < 6 or parts[1:3] != ["dkr", "ecr"]:
            return None, "Whether the image can be pulled is seen at the first start."
        name, _, digest = rest.partition("@")
        name, _, tag = name.partition(":")
        image_id = {"imageDigest": digest} if digest else {"imageTag": tag or "latest"}
        ecr = self.clients("ecr", parts[3])
        try:
            ecr.describe_images(registryId=parts[0], repositoryName=name, imageIds=[image_id])
        except ClientError as error:
            if code_of(error) not in {"ImageNotFoundException", "RepositoryNotFoundException"}:
                raise
            message = words(code_of(error), error.response["Error"].get("Message", ""), self.hidden)
            return message, "Build it from runner_bootstrap/Containerfile and push it there."
        return None, None

    def _definition(self) -> tuple[str | None, str | None]:
        """Registers the definition, which costs nothing and is what the first start would do."""
        self._ecs.register_task_definition(**tasks.definition(self.settings, self.owner))
        return None, None

    def _quota(self) -> tuple[str | None, str | None]:
        quotas = self.clients("service-quotas", self.settings.region)
        for spot in sorted({choice.spot for choice in self.settings.sizes}):
            try:
                answer = quotas.get_service_quota(ServiceCode="fargate", QuotaCode=_QUOTAS[spot])
            except ClientError:
                return None, "The quota of vCPUs could not be looked up (servicequotas:GetServiceQuota)."
            if answer["Quota"].get("Value", 1) < 1:
                return f"this account may have no {'spot' if spot else 'on-demand'} vCPUs", "Ask AWS for more."
        return None, None

    @property
    def _ecs(self) -> Any:
        return self.clients("ecs", self.settings.region)
