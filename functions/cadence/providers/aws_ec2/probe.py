"""Checks whether a pool could start instances, with dry runs and descriptions only: nothing that costs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from cadence.domain.shared.errors import CadenceError
from cadence.providers.aws import CREDENTIALS, Clients, code_of, decided, words
from cadence.providers.aws_ec2 import templates
from cadence.providers.aws_ec2.settings import Ec2Settings, LaunchRegion
from cadence.providers.contract import Check
from cadence.providers.hidden import Hidden
from cadence.providers.marks import MachineOwner

_NO_INSTANCE = "i-00000000000000000"
_RIGHTS = "Allow it in the policy of the pool's credentials; docs/providers/aws_ec2.md has one that suffices."
# Quota codes of EC2: vCPUs of standard instances that may run, on demand and spot.
_QUOTAS = {False: "L-1216C47A", True: "L-34B43A08"}

Look = Callable[[Any, LaunchRegion], tuple[str | None, str | None]]
"""A function from a client of EC2 and a place to what is missing (None: nothing), and a hint."""


@dataclass(frozen=True)
class Ec2Probe:
    """The checks of a pool."""

    owner: MachineOwner
    settings: Ec2Settings
    clients: Clients
    hidden: Hidden

    def checks(self) -> Sequence[Check]:
        """Returns all checks, credentials first: without them the others have no result."""
        results: list[Check] = []
        for place in self.settings.places:
            results.append(self._look("credentials", place, self._credentials))
            if results[-1].missing:
                continue
            looks: Mapping[str, Look] = {
                "image": self._images,
                "network": self._network,
                "machine types": self._types,
                "permissions": self._permissions,
                "quota": self._quota,
            }
            results += [self._look(subject, place, look) for subject, look in looks.items()]
        return results

    def _look(self, subject: str, place: LaunchRegion, look: Look) -> Check:
        try:
            with decided(self.hidden):
                missing, hint = look(self.clients("ec2", place.region), place)
        except CadenceError as error:
            missing, hint = error.message, None
        return Check(subject, f"{place.region}: {missing}" if missing else None, hint)

    def _credentials(self, ec2: Any, _: LaunchRegion) -> tuple[str | None, str | None]:
        try:
            ec2.describe_availability_zones()
        except ClientError as error:
            if code_of(error) in CREDENTIALS:
                message = words(code_of(error), error.response["Error"].get("Message", ""), self.hidden)
                return (
                    message,
                    "Give access_key_id and secret_access_key of a user of this account, or none for its own role.",
                )
            if code_of(error) != "UnauthorizedOperation":
                raise
        return None, None

    def _images(self, ec2: Any, place: LaunchRegion) -> tuple[str | None, str | None]:
        """Checks the images, except names for Systems Manager, which EC2 resolves at the start."""
        ids = sorted({image for image in place.images.values() if not image.startswith("resolve:")})
        if not ids:
            return None, None
        images = {image["ImageId"]: image for image in ec2.describe_images(ImageIds=ids)["Images"]}
        gone = [image_id for image_id in ids if image_id not in images or images[image_id].get("State") != "available"]
        if gone:
            return f"there is no image {', '.join(gone)} here that may be used", "Images belong to one region: copy it."
        names = {"amd64": "x86_64", "arm64": "arm64"}
        for arch, image in place.images.items():
            architecture = images[image].get("Architecture") if image in images else None
            if architecture and architecture != names.get(arch, arch):
                return f"the image {image} is for {architecture}, not {arch}", None
        device = next(
            (images[image_id]["RootDeviceName"] for image_id in ids if images[image_id].get("RootDeviceName")), None
        )
        if device and device != self.settings.root_device:
            hint = f"Set disk.root_device to {device}: otherwise the machine gets a second disk, and its own is not encrypted."
            return f"the image's root device is {device}, not {self.settings.root_device}", hint
        return None, None

    def _network(self, ec2: Any, place: LaunchRegion) -> tuple[str | None, str | None]:
        subnets = ec2.describe_subnets(SubnetIds=list(place.subnets))["Subnets"]
        full = [entry["SubnetId"] for entry in subnets if not entry.get("AvailableIpAddressCount", 1)]
        if full:
            return f"no free address in {', '.join(full)}", None
        if place.security_groups:
            groups = ec2.describe_security_groups(GroupIds=list(place.security_groups))["SecurityGroups"]
            opened = [entry["GroupId"] for entry in groups if entry.get("IpPermissions")]
            if opened:
                hint = "Runners only call out: name a group without inbound rules."
                return f"the security group {', '.join(opened)} lets others in", hint
        return None, None

    def _types(self, ec2: Any, place: LaunchRegion) -> tuple[str | None, str | None]:
        types = sorted({choice.type for choice in self.settings.types if choice.arch in place.images})
        if not types:
            return "it has no image for the architecture of any type", "Add images for them to this place."
        filters = [{"Name": "instance-type", "Values": types}]
        offered = ec2.describe_instance_type_offerings(Filters=filters)["InstanceTypeOfferings"]
        gone = sorted(set(types) - {entry["InstanceType"] for entry in offered})
        return (f"{', '.join(gone)} is not offered here", None) if gone else (None, None)

    def _permissions(self, ec2: Any, place: LaunchRegion) -> tuple[str | None, str | None]:
        template = templates.content(self.settings, place)
        choice = next(choice for choice in self.settings.types if choice.arch in place.images)
        launch = {
            "ImageId": place.images[choice.arch],
            "InstanceType": choice.type,
            "SubnetId": place.subnets[0],
            "MinCount": 1,
            "MaxCount": 1,
            "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "cadence-owner", "Value": "probe"}]}],
        }
        fleet = {
            "Type": "instant",
            "LaunchTemplateConfigs": [
                {"LaunchTemplateSpecification": {"LaunchTemplateName": "cadence", "Version": "1"}}
            ],
            "TargetCapacitySpecification": {"TotalTargetCapacity": 1, "DefaultTargetCapacityType": "on-demand"},
        }
        calls: Mapping[str, Callable[[], Any]] = {
            "ec2:CreateFleet": lambda: ec2.create_fleet(DryRun=True, **fleet),
            "ec2:RunInstances, ec2:CreateTags": lambda: ec2.run_instances(DryRun=True, **launch),
            "ec2:CreateLaunchTemplate": lambda: ec2.create_launch_template(
                DryRun=True, LaunchTemplateName="cadence-probe", LaunchTemplateData=template
            ),
            "ec2:DescribeInstances": lambda: ec2.describe_instances(DryRun=True),
            "ec2:TerminateInstances": lambda: ec2.terminate_instances(DryRun=True, InstanceIds=[_NO_INSTANCE]),
            "ec2:GetConsoleOutput": lambda: ec2.get_console_output(DryRun=True, InstanceId=_NO_INSTANCE),
        }
        denied = [name for name, call in calls.items() if self._is_denied(call)]
        return (f"not allowed: {', '.join(denied)}", _RIGHTS) if denied else (None, None)

    @staticmethod
    def _is_denied(call: Callable[[], Any]) -> bool:
        """Returns whether a dry run is not allowed.

        One that would be allowed raises an error too; errors of the request itself are ignored here.
        """
        try:
            call()
        except ClientError as error:
            return code_of(error) in {"UnauthorizedOperation", "AccessDenied", "AccessDeniedException"}
        return False

    def _quota(self, _: Any, place: LaunchRegion) -> tuple[str | None, str | None]:
        """Checks whether the account may have any vCPUs at all; the part in use changes by the minute."""
        quotas = self.clients("service-quotas", place.region)
        for spot in sorted({choice.spot for choice in self.settings.types}):
            try:
                answer = quotas.get_service_quota(ServiceCode="ec2", QuotaCode=_QUOTAS[spot])
            except ClientError:
                return None, "The quota of vCPUs could not be looked up (servicequotas:GetServiceQuota)."
            if answer["Quota"].get("Value", 1) < 1:
                market = "spot" if spot else "on-demand"
                return f"this account may have no {market} vCPUs", "Ask AWS for more of the quota " + _QUOTAS[
                    spot
                ] + "."
        return None, None
