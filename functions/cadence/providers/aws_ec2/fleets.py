"""Launches one fleet of type `instant` per runner.

EC2 considers every type and subnet at once, and gives for each the reason of a refusal.
"""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from botocore.exceptions import ClientError

from cadence.domain.shared.errors import CapacityExhausted, ProviderRejected, Transient
from cadence.providers.aws import CAPACITY, code_of, tag_list, words
from cadence.providers.aws_ec2 import templates
from cadence.providers.aws_ec2.settings import Ec2Settings, LaunchRegion
from cadence.providers.choices import Choice
from cadence.providers.contract import RunnerRequest
from cadence.providers.hidden import Hidden
from cadence.providers.marks import MachineOwner, as_seconds, host_name

_TAG = re.compile(r"[^\w .:/=+@-]")


@dataclass(frozen=True)
class FleetOffer:
    """Types that are requested together in one place."""

    place: LaunchRegion
    choices: tuple[Choice, ...]

    @property
    def spot(self) -> bool:
        """Whether its types are spot ones; all of an offer are the same."""
        return self.choices[0].spot

    @property
    def market(self) -> str:
        return "spot" if self.spot else "on-demand"

    @property
    def label(self) -> str:
        """The label of the offer in the circuit breaker and in messages."""
        return f"{self.market} in {self.place.region}"


@dataclass(frozen=True)
class Launched:
    """An instance that was launched.

    `refusals` are those of other types or subnets of the offer: some may have had no room where one had.
    """

    instance_id: str
    refusals: tuple[str, ...] = ()


def offers(settings: Ec2Settings, choices: Sequence[Choice]) -> Sequence[FleetOffer]:
    """Returns the offers in the order of places, then types.

    A type for whose architecture a place has no image is not requested there.
    """
    fleet_offers = []
    for place in settings.places:
        available = [choice for choice in choices if choice.arch in place.images]
        fleet_offers += [
            FleetOffer(place, tuple(group)) for _, group in groupby(available, key=lambda choice: choice.spot)
        ]
    return fleet_offers


@dataclass(frozen=True)
class Fleets:
    """Launches the fleets of one pool."""

    owner: MachineOwner
    settings: Ec2Settings
    hidden: Hidden

    def launch(self, ec2: Any, offer: FleetOffer, request: RunnerRequest, user_data: str) -> Launched:
        """Launches the instance of a runner.

        Raises CapacityExhausted (no type has room), ProviderRejected, Transient, and botocore's errors.
        """
        template = templates.content(self.settings, offer.place)
        tags = {"Name": host_name(request.runner_id), **self._tags(self.owner.tags(request))}
        parameters = _request(offer, client_token(request, offer), tags, user_data)
        return self._launched(self._create(ec2, template, parameters), offer)

    def launch_waiting(
        self, ec2: Any, offer: FleetOffer, number: int, token: str, tags: Mapping[str, str], user_data: str
    ) -> Launched:
        """Launches `number` instances without a runner, which stop when they switch themselves off.

        Raises the errors of `launch`.
        """
        template = templates.content(self.settings, offer.place, stops=True)
        parameters = _request(offer, token, self._tags(tags), user_data, number)
        return self._launched(self._create(ec2, template, parameters), offer)

    def _create(self, ec2: Any, template: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        name = templates.name_of(template, self.owner)
        (config,) = parameters["LaunchTemplateConfigs"]
        named = {**config["LaunchTemplateSpecification"], "LaunchTemplateName": name, "Version": "1"}
        parameters = {**parameters, "LaunchTemplateConfigs": [{**config, "LaunchTemplateSpecification": named}]}
        try:
            answer: Mapping[str, Any] = ec2.create_fleet(**parameters)
        except ClientError as error:
            if not templates.is_missing(code_of(error)):
                raise
            templates.make(ec2, name, template, self.owner)
            answer = ec2.create_fleet(**parameters)
        if _template_missing(answer):
            templates.make(ec2, name, template, self.owner)
            # EC2 remembers an answer by its token, and would repeat this one.
            answer = ec2.create_fleet(
                **{**parameters, "ClientToken": _digest(parameters["ClientToken"], "with template")}
            )
        return answer

    def _tags(self, tags: Mapping[str, str]) -> Mapping[str, str]:
        own = {_TAG.sub("-", name): _TAG.sub("-", value) for name, value in self.settings.tags.items()}
        return {**own, **tags}

    def _launched(self, answer: Mapping[str, Any], offer: FleetOffer) -> Launched:
        errors = [(entry.get("ErrorCode", ""), entry.get("ErrorMessage", "")) for entry in answer.get("Errors", ())]
        reasons = tuple(dict.fromkeys(words(code, message, self.hidden) for code, message in errors))
        ids = [entry for group in answer.get("Instances", ()) for entry in group["InstanceIds"]]
        if ids:
            return Launched(ids[0], reasons)
        message = f"EC2, {offer.label}: {'; '.join(reasons) or 'no instance, and no reason given'}"
        codes = {code for code, _ in errors}
        # If one type has no room, another place is tried, also if other types failed for another reason.
        if not codes or codes & CAPACITY:
            raise CapacityExhausted(message)
        if any(code.startswith(("RequestLimitExceeded", "Throttl", "Internal", "Unavailable")) for code in codes):
            raise Transient(message)
        raise ProviderRejected(message)


def _request(offer: FleetOffer, token: str, tags: Mapping[str, str], user_data: str, number: int = 1) -> dict[str, Any]:
    """Returns the parameters of `CreateFleet`, without the name of the launch template."""
    listed = tag_list(tags)
    parameters: dict[str, Any] = {
        "Type": "instant",
        "ClientToken": token,
        "LaunchTemplateConfigs": [
            {
                "LaunchTemplateSpecification": {
                    "LaunchTemplateSpecificationUserData": base64.b64encode(user_data.encode()).decode(),
                },
                "Overrides": _overrides(offer),
            }
        ],
        "TargetCapacitySpecification": {"TotalTargetCapacity": number, "DefaultTargetCapacityType": offer.market},
        "TagSpecifications": [{"ResourceType": kind, "Tags": listed} for kind in ("instance", "volume")],
    }
    if offer.spot:
        parameters["SpotOptions"] = {"AllocationStrategy": "price-capacity-optimized"}
    else:
        parameters["OnDemandOptions"] = {"AllocationStrategy": "prioritized"}
    return parameters


def client_token(request: RunnerRequest, offer: FleetOffer) -> str:
    """Returns a token that is the same in each repetition of a request.

    It differs once the runner is requested anew, since EC2 remembers refusals as well.
    """
    begun = as_seconds(request.expires_at) if request.expires_at else ""
    return _digest(request.runner_id, begun, offer.place.region, offer.market)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _overrides(offer: FleetOffer) -> list[Mapping[str, Any]]:
    """Returns each type in each subnet, in the order of the settings."""
    return [
        {
            "InstanceType": choice.type,
            "SubnetId": subnet,
            "ImageId": offer.place.images[choice.arch],
            "Priority": float(priority),
        }
        for priority, choice in enumerate(offer.choices)
        for subnet in offer.place.subnets
    ]


def _template_missing(answer: Mapping[str, Any]) -> bool:
    return any(templates.is_missing(entry.get("ErrorCode", "")) for entry in answer.get("Errors", ()))
