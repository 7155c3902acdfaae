"""Launch templates: what all instances of a pool have in common, kept by EC2 under a name made from its content.

A change of the settings is another template; the first start that misses it makes it, so that all others are one call.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from cadence.providers.aws import code_of, tag_list
from cadence.providers.aws_ec2.settings import Ec2Settings, LaunchRegion
from cadence.providers.marks import MachineOwner


def content(settings: Ec2Settings, place: LaunchRegion, *, stops: bool = False) -> Mapping[str, Any]:
    """No image, type, subnet or user data: those differ from one instance to the next. `stops`: it waits after its first boot."""
    disk: dict[str, Any] = {
        "VolumeSize": settings.disk_gb,
        "VolumeType": settings.disk_type,
        "Encrypted": True,
        "DeleteOnTermination": True,
    }
    if settings.disk_key:
        disk["KmsKeyId"] = settings.disk_key
    data: dict[str, Any] = {
        # A machine that switches itself off is gone, and costs nothing.
        "InstanceInitiatedShutdownBehavior": "stop" if stops else "terminate",
        # One hop: a container on the machine does not reach the metadata.
        "MetadataOptions": {
            "HttpTokens": "required",
            "HttpPutResponseHopLimit": 1,
            "HttpEndpoint": "enabled",
            "InstanceMetadataTags": "disabled",
        },
        "BlockDeviceMappings": [{"DeviceName": settings.root_device, "Ebs": disk}],
    }
    if place.security_groups:
        data["SecurityGroupIds"] = list(place.security_groups)
    if settings.instance_profile:
        data["IamInstanceProfile"] = {"Arn": settings.instance_profile}
    return data


def name_of(data: Mapping[str, Any], owner: MachineOwner) -> str:
    whole = json.dumps([owner.key, data], sort_keys=True)
    return f"cadence-{hashlib.sha256(whole.encode()).hexdigest()[:32]}"


def is_missing(code: str) -> bool:
    return code.startswith(("InvalidLaunchTemplateName.NotFound", "InvalidLaunchTemplateId.NotFound"))


def make(ec2: Any, name: str, data: Mapping[str, Any], owner: MachineOwner) -> None:
    """Whoever was faster has made the same."""
    tags = {"cadence-owner": owner.key, "cadence-pool": owner.pool}
    try:
        ec2.create_launch_template(
            LaunchTemplateName=name,
            ClientToken=name,
            LaunchTemplateData=data,
            TagSpecifications=[{"ResourceType": "launch-template", "Tags": tag_list(tags)}],
        )
    except ClientError as error:
        if code_of(error) != "InvalidLaunchTemplateName.AlreadyExistsException":
            raise
