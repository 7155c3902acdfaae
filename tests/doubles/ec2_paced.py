"""EC2 in memory and in a test's own time, with its bucket of calls: for a thousand instances at once.

Requests are held against botocore's description of EC2; what it does with client tokens and throttles is as documented.
"""

import base64
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import botocore.session
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.validate import ParamValidator


@dataclass
class PacedEc2:
    """`burst` calls of `CreateFleet` at once, `per_second` on average; whoever asks for more is refused.

    `instances` by id; `lost` says for which number of a launch the answer is lost after the work is done.
    """

    clock: Callable[[], datetime]
    burst: int = 5
    per_second: float = 2
    lost: Callable[[int], bool] = lambda _: False
    instances: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    refused: int = 0

    def __post_init__(self) -> None:
        model = botocore.session.get_session().get_service_model("ec2")
        self._shapes = {name: model.operation_model(name).input_shape for name in model.operation_names}
        self._templates: set[str] = set()
        self._answers: dict[str, dict[str, Any]] = {}
        self._tokens, self._filled_at = float(self.burst), self.clock()

    def __call__(self, service: str, region: str) -> "PacedEc2":
        """`Clients`: there is but one."""
        return self

    def create_launch_template(self, **asked: Any) -> dict[str, Any]:
        self._called("CreateLaunchTemplate", asked)
        self._templates.add(asked["LaunchTemplateName"])
        return {}

    def create_fleet(self, **asked: Any) -> dict[str, Any]:
        self._called("CreateFleet", asked)
        self._take()
        (config,) = asked["LaunchTemplateConfigs"]
        specification = config["LaunchTemplateSpecification"]
        if specification["LaunchTemplateName"] not in self._templates:
            raise _error("InvalidLaunchTemplateName.NotFoundException", "there is no such template")
        token = asked["ClientToken"]
        if token not in self._answers:
            self._answers[token] = {"Instances": [{"InstanceIds": [self._launch(asked, specification)]}]}
            if self.lost(len(self.instances)):
                raise ReadTimeoutError(endpoint_url="https://ec2.example")
        return self._answers[token]

    def terminate_instances(self, **asked: Any) -> dict[str, Any]:
        self._called("TerminateInstances", asked)
        for each in asked["InstanceIds"]:
            if each not in self.instances:
                raise _error("InvalidInstanceID.NotFound", f"The instance ID '{each}' does not exist")
            self.end(each)
        return {}

    def get_paginator(self, operation: str) -> "PacedEc2":
        assert operation == "describe_instances"
        return self

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        wanted = {each["Name"]: each["Values"] for each in asked["Filters"]}
        found = [each for each in self.instances.values() if _matches(each, wanted)]
        size = asked["PaginationConfig"]["PageSize"]
        for start in range(0, max(1, len(found)), size):
            self._called("DescribeInstances", {"Filters": asked["Filters"], "MaxResults": size})
            yield {"Reservations": [{"Instances": found[start : start + size]}]}

    def end(self, instance_id: str) -> None:
        self.instances[instance_id]["State"] = {"Name": "terminated"}

    def _launch(self, asked: Mapping[str, Any], specification: Mapping[str, Any]) -> str:
        instance_id = f"i-{len(self.instances):017x}"
        override = asked["LaunchTemplateConfigs"][0]["Overrides"][0]
        spot = asked["TargetCapacitySpecification"]["DefaultTargetCapacityType"] == "spot"
        self.instances[instance_id] = {
            "InstanceId": instance_id,
            "InstanceType": override["InstanceType"],
            "State": {"Name": "running"},
            "LaunchTime": self.clock(),
            "Placement": {"AvailabilityZone": "eu-west-3a"},
            "Tags": asked["TagSpecifications"][0]["Tags"],
            "UserData": base64.b64decode(specification["LaunchTemplateSpecificationUserData"]).decode(),
            **({"InstanceLifecycle": "spot"} if spot else {}),
        }
        return instance_id

    def _called(self, action: str, asked: Mapping[str, Any]) -> None:
        self.calls[action] += 1
        shape = self._shapes[action]
        assert shape
        report = ParamValidator().validate(asked, shape)
        assert not report.has_errors(), report.generate_report()

    def _take(self) -> None:
        now = self.clock()
        refilled = self._tokens + (now - self._filled_at) / timedelta(seconds=1) * self.per_second
        self._tokens, self._filled_at = min(float(self.burst), refilled), now
        if self._tokens < 1 - 1e-6:
            self.refused += 1
            raise _error("RequestLimitExceeded", "Request limit exceeded.")
        self._tokens -= 1


def _matches(instance: Mapping[str, Any], wanted: Mapping[str, list[str]]) -> bool:
    tags = {tag["Key"]: tag["Value"] for tag in instance["Tags"]}
    has = {
        "instance-id": instance["InstanceId"],
        "instance-state-name": instance["State"]["Name"],
        **{f"tag:{name}": value for name, value in tags.items()},
    }
    return all(has.get(name) in values for name, values in wanted.items())


def _error(code: str, message: str) -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": 503 if code == "RequestLimitExceeded" else 400},
    }
    return ClientError(answer, "CreateFleet")
