"""Quotas, environments, approvals and links in memory."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cadence.application.limits.ports import ApprovalLink
from cadence.domain.limits.approval import ApprovalRequest, Decision
from cadence.domain.limits.environment_set import EnvironmentSet
from cadence.domain.limits.quotas import Quotas
from cadence.domain.shared.errors import Conflict, NotFound


@dataclass
class MemoryQuotas:
    quotas: Quotas = field(default_factory=Quotas)

    def get_quotas(self, organization: str) -> Quotas:
        return self.quotas


@dataclass
class MemoryEnvironments:
    environments: dict[str, EnvironmentSet] = field(default_factory=dict)

    def get_environment(self, organization: str, project: str, name: str) -> EnvironmentSet:
        try:
            return self.environments[name]
        except KeyError:
            raise NotFound(f"there is no environment {name}") from None


@dataclass
class MemoryApprovalStore:
    requests: dict[tuple[str, str], ApprovalRequest] = field(default_factory=dict)
    made: list[Decision] = field(default_factory=list)

    def ask(self, request: ApprovalRequest) -> ApprovalRequest:
        return self.requests.setdefault((request.run_id, request.treatment), request)

    def get_request(self, run_id: str, treatment: str) -> ApprovalRequest:
        try:
            return self.requests[run_id, treatment]
        except KeyError:
            raise NotFound(f"treatment {treatment} asked for no approval") from None

    def decide(self, decision: Decision) -> None:
        if any(one.approver == decision.approver for one in self.decisions(decision.run_id, decision.treatment)):
            raise Conflict("decided before")
        self.made.append(decision)

    def decisions(self, run_id: str, treatment: str) -> Sequence[Decision]:
        return [one for one in self.made if (one.run_id, one.treatment) == (run_id, treatment)]


@dataclass
class MemoryLinks:
    links: dict[str, ApprovalLink] = field(default_factory=dict)

    def add_link(self, link: ApprovalLink) -> None:
        self.links[link.link_id] = link

    def get_link(self, link_id: str) -> ApprovalLink:
        try:
            return self.links[link_id]
        except KeyError:
            raise NotFound("there is no such link") from None

    def use_link(self, link_id: str, at: datetime) -> None:
        link = self.get_link(link_id)
        if link.used_at is not None:
            raise Conflict("used before")
        self.links[link_id] = dataclasses.replace(link, used_at=at)
