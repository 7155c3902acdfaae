"""Launch templates: the common part of all instances of a pool, kept by EC2 under a name made from its content.

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
    """Returns the content of a template. `stops`: the instance waits after its first boot.

    Image, type, subnet and user data are not part of it: they differ from one instance to the next.
    """
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
    """Returns the name of a template with this content."""
    whole = json.dumps([owner.key, data], sort_keys=True)
    return f"cadence-{hashlib.sha256(whole.encode()).hexdigest()[:32]}"


def is_missing(code: str) -> bool:
    """Returns whether EC2's code says that the template does not exist."""
    return code.startswith(("InvalidLaunchTemplateName.NotFound", "InvalidLaunchTemplateId.NotFound"))


def make(ec2: Any, name: str, data: Mapping[str, Any], owner: MachineOwner) -> None:
    """Makes the template; one that another call has made is the same."""
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
