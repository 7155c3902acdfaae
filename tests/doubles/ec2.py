"""What moto lacks of EC2: idempotent `CreateFleet`, no room, quotas, and images that are not there.

As the documents describe them: an instant fleet that launches nothing is an answer of status 200 with `errorSet`, and
the same client token gets the same answer again, or `IdempotentParameterMismatch` for other parameters.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends

from tests.doubles.aws import Aws, Call, error
from tests.fakes.answering import Reply

REGION, ELSEWHERE = "eu-west-3", "eu-central-1"


@dataclass
class Ec2:
    """`refuses` says for an override (type, subnet, market) why it cannot be had: a code and a message."""

    aws: Aws
    refuses: Callable[[str, str, str], tuple[str, str] | None] = lambda *_: None
    fleets: dict[str, tuple[Mapping[str, Any], Reply]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.aws.before.append(self.create_fleet)

    def create_fleet(self, call: Call, forward: Callable[[], Reply]) -> Reply | None:
        if (call.service, call.action) != ("ec2", "CreateFleet") or call.params.get("DryRun") == "true":
            return None
        token = call.params["ClientToken"]
        if token in self.fleets:
            params, reply = self.fleets[token]
            if params != call.params:
                return error(call, 400, "IdempotentParameterMismatch", "Arguments on this idempotent request differ")
            return reply
        reply = self._launch(call, forward)
        if reply.status == 200:
            self.fleets[token] = (call.params, reply)
        return reply

    def _launch(self, call: Call, forward: Callable[[], Reply]) -> Reply:
        ec2 = backend(call.region)
        name = call.params["LaunchTemplateConfigs.1.LaunchTemplateSpecification.LaunchTemplateName"]
        if name not in ec2.launch_template_name_to_ids:
            return error(
                call,
                400,
                "InvalidLaunchTemplateName.NotFoundException",
                "The specified launch template does not exist.",
            )
        market = call.params["TargetCapacitySpecification.DefaultTargetCapacityType"]
        refused = []
        for override in _overrides(call):
            if override["ImageId"] not in ec2.amis:
                said = ("InvalidAMIID.NotFound", f"The image id '[{override['ImageId']}]' does not exist")
            else:
                found = self.refuses(override["InstanceType"], override["SubnetId"], market)
                if found is None:
                    return forward()
                said = found
            refused.append((override, market, *said))
        return Reply(200, _nothing_launched(refused), {"content-type": "text/xml"})


def backend(region: str) -> Any:
    """What moto keeps of a region, without the XML around it."""
    return ec2_backends[DEFAULT_ACCOUNT_ID][region]


def _overrides(call: Call) -> list[Mapping[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for name, value in call.params.items():
        prefix, _, rest = name.partition("Overrides.")
        if prefix == "LaunchTemplateConfigs.1.":
            number, _, key = rest.partition(".")
            found.setdefault(number, {})[key] = value
    return [found[number] for number in sorted(found, key=int)]


def _nothing_launched(refused: list[tuple[Mapping[str, str], str, str, str]]) -> str:
    items = "".join(
        f"<item><lifecycle>{market}</lifecycle><errorCode>{escape(code)}</errorCode>"
        f"<errorMessage>{escape(message)}</errorMessage><launchTemplateAndOverrides><overrides>"
        f"<instanceType>{override['InstanceType']}</instanceType><subnetId>{override['SubnetId']}</subnetId>"
        "</overrides></launchTemplateAndOverrides></item>"
        for override, market, code, message in refused
    )
    return (
        '<CreateFleetResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>0</requestId>'
        "<fleetId>fleet-00000000-0000-0000-0000-000000000000</fleetId>"
        f"<errorSet>{items}</errorSet><fleetInstanceSet/></CreateFleetResponse>"
    )
