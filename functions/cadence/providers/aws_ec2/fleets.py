"""One runner is one fleet of type `instant`: EC2 looks through every type and subnet at once, and says for each why not."""

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
    """Types that are asked for together in one place."""

    place: LaunchRegion
    choices: tuple[Choice, ...]

    @property
    def spot(self) -> bool:
        return self.choices[0].spot

    @property
    def market(self) -> str:
        return "spot" if self.spot else "on-demand"

    @property
    def label(self) -> str:
        return f"{self.market} in {self.place.region}"


@dataclass(frozen=True)
class Launched:
    """`refusals` are what other types or subnets of the offer said: some may have had no room where one had."""

    instance_id: str
    refusals: tuple[str, ...] = ()


def offers(settings: Ec2Settings, choices: Sequence[Choice]) -> Sequence[FleetOffer]:
    """In the order of places, then types. What a place has no image for is not asked for there."""
    found = []
    for place in settings.places:
        there = [choice for choice in choices if choice.arch in place.images]
        found += [FleetOffer(place, tuple(group)) for _, group in groupby(there, key=lambda choice: choice.spot)]
    return found


@dataclass(frozen=True)
class Fleets:
    owner: MachineOwner
    settings: Ec2Settings
    hidden: Hidden

    def launch(self, ec2: Any, offer: FleetOffer, request: RunnerRequest, user_data: str) -> Launched:
        """Raises CapacityExhausted (none of them is to be had), ProviderRejected, Transient, and botocore's errors."""
        template = templates.content(self.settings, offer.place)
        tags = {"Name": host_name(request.runner_id), **self._tags(self.owner.tags(request))}
        asked = _request(offer, client_token(request, offer), tags, user_data)
        return self._launched(self._create(ec2, template, asked), offer)

    def launch_waiting(
        self, ec2: Any, offer: FleetOffer, number: int, token: str, tags: Mapping[str, str], user_data: str
    ) -> Launched:
        """So many instances of no runner, that stop when they switch themselves off. Raises what `launch` does."""
        template = templates.content(self.settings, offer.place, stops=True)
        asked = _request(offer, token, self._tags(tags), user_data, number)
        return self._launched(self._create(ec2, template, asked), offer)

    def _create(self, ec2: Any, template: Mapping[str, Any], asked: Mapping[str, Any]) -> Mapping[str, Any]:
        name = templates.name_of(template, self.owner)
        (config,) = asked["LaunchTemplateConfigs"]
        named = {**config["LaunchTemplateSpecification"], "LaunchTemplateName": name, "Version": "1"}
        asked = {**asked, "LaunchTemplateConfigs": [{**config, "LaunchTemplateSpecification": named}]}
        try:
            answer: Mapping[str, Any] = ec2.create_fleet(**asked)
        except ClientError as error:
            if not templates.is_missing(code_of(error)):
                raise
            templates.make(ec2, name, template, self.owner)
            answer = ec2.create_fleet(**asked)
        if _template_missing(answer):
            templates.make(ec2, name, template, self.owner)
            # EC2 remembers an answer by its token, and would repeat this one.
            answer = ec2.create_fleet(**{**asked, "ClientToken": _digest(asked["ClientToken"], "with template")})
        return answer

    def _tags(self, tags: Mapping[str, str]) -> Mapping[str, str]:
        own = {_TAG.sub("-", name): _TAG.sub("-", value) for name, value in self.settings.tags.items()}
        return {**own, **tags}

    def _launched(self, answer: Mapping[str, Any], offer: FleetOffer) -> Launched:
        errors = [(each.get("ErrorCode", ""), each.get("ErrorMessage", "")) for each in answer.get("Errors", ())]
        said = tuple(dict.fromkeys(words(code, message, self.hidden) for code, message in errors))
        ids = [each for group in answer.get("Instances", ()) for each in group["InstanceIds"]]
        if ids:
            return Launched(ids[0], said)
        message = f"EC2, {offer.label}: {'; '.join(said) or 'no instance, and no reason given'}"
        codes = {code for code, _ in errors}
        # One type that has no room is worth another try elsewhere, whatever is wrong with the others.
        if not codes or codes & CAPACITY:
            raise CapacityExhausted(message)
        if any(code.startswith(("RequestLimitExceeded", "Throttl", "Internal", "Unavailable")) for code in codes):
            raise Transient(message)
        raise ProviderRejected(message)


def _request(offer: FleetOffer, token: str, tags: Mapping[str, str], user_data: str, number: int = 1) -> dict[str, Any]:
    """But for the name of the launch template."""
    listed = tag_list(tags)
    asked: dict[str, Any] = {
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
        asked["SpotOptions"] = {"AllocationStrategy": "price-capacity-optimized"}
    else:
        asked["OnDemandOptions"] = {"AllocationStrategy": "prioritized"}
    return asked


def client_token(request: RunnerRequest, offer: FleetOffer) -> str:
    """The same in each repetition; another one once the runner is asked for anew, since EC2 remembers refusals as well."""
    begun = as_seconds(request.expires_at) if request.expires_at else ""
    return _digest(request.runner_id, begun, offer.place.region, offer.market)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _overrides(offer: FleetOffer) -> list[Mapping[str, Any]]:
    """Each type in each subnet, in the order of the settings."""
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
    return any(templates.is_missing(each.get("ErrorCode", "")) for each in answer.get("Errors", ()))
