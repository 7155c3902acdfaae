"""`ApprovalStore` on the `runs` table."""

from collections.abc import Sequence
from typing import ClassVar

from pynamodb.attributes import BooleanAttribute, JSONAttribute, NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute

from cadence.adapters.dynamodb.runs.run_items import RunsTable, partition
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.domain.limits.approval import ApprovalRequest, ApprovalVerdict, Decision
from cadence.domain.shared.errors import Conflict, NotFound


class RequestItem(RunsTable):
    PREFIX: ClassVar[str] = "APPROVAL#"

    run_id = UnicodeAttribute()
    treatment = UnicodeAttribute()
    environment = UnicodeAttribute()
    required = NumberAttribute()
    approvers: JSONAttribute = JSONAttribute(null=True)
    not_by_starter = BooleanAttribute()
    asked_at = UTCDateTimeAttribute()
    until = UTCDateTimeAttribute()

    @classmethod
    def of(cls, asked: ApprovalRequest) -> "RequestItem":
        return cls(
            partition(asked.run_id),
            cls.PREFIX + asked.treatment,
            run_id=asked.run_id,
            treatment=asked.treatment,
            environment=asked.environment,
            required=asked.required,
            approvers=None if asked.approvers is None else list(asked.approvers),
            not_by_starter=asked.not_by_starter,
            asked_at=asked.asked_at,
            until=asked.expires_at,
        )

    def request(self) -> ApprovalRequest:
        return ApprovalRequest(
            run_id=self.run_id,
            treatment=self.treatment,
            environment=self.environment,
            required=int(self.required),
            approvers=None if self.approvers is None else tuple(self.approvers),
            not_by_starter=self.not_by_starter,
            asked_at=self.asked_at,
            expires_at=self.until,
        )


class DecisionItem(RunsTable):
    PREFIX: ClassVar[str] = "DECISION#"

    run_id = UnicodeAttribute()
    treatment = UnicodeAttribute()
    verdict = UnicodeAttribute()
    approver = UnicodeAttribute()
    by = UnicodeAttribute()
    at = UTCDateTimeAttribute()
    comment = UnicodeAttribute(null=True)

    @classmethod
    def of(cls, decision: Decision) -> "DecisionItem":
        return cls(
            partition(decision.run_id),
            f"{cls.PREFIX}{decision.treatment}#{decision.approver}",
            run_id=decision.run_id,
            treatment=decision.treatment,
            verdict=str(decision.verdict),
            approver=decision.approver,
            by=decision.by,
            at=decision.at,
            comment=decision.comment or None,
        )

    def decision(self) -> Decision:
        return Decision(
            run_id=self.run_id,
            treatment=self.treatment,
            verdict=ApprovalVerdict(self.verdict),
            approver=self.approver,
            by=self.by,
            at=self.at,
            comment=self.comment or "",
        )


class DynamoApprovalStore:
    def __init__(self, table_name: str) -> None:
        for model in (RequestItem, DecisionItem):
            bind(model, table_name)

    def ask(self, request: ApprovalRequest) -> ApprovalRequest:
        try:
            with translated(f"approval of {request.treatment}"):
                RequestItem.of(request).save(RequestItem.pk.does_not_exist())
        except Conflict:
            return self.get_request(request.run_id, request.treatment)
        return request

    def get_request(self, run_id: str, treatment: str) -> ApprovalRequest:
        try:
            with translated(f"approval of {treatment}"):
                return RequestItem.get(
                    partition(run_id), RequestItem.PREFIX + treatment, consistent_read=True
                ).request()
        except RequestItem.DoesNotExist:
            raise NotFound(f"treatment {treatment} of run {run_id} asked for no approval") from None

    def decide(self, decision: Decision) -> None:
        with translated(f"the decision of {decision.by}"):
            DecisionItem.of(decision).save(DecisionItem.pk.does_not_exist())

    def decisions(self, run_id: str, treatment: str) -> Sequence[Decision]:
        prefix = f"{DecisionItem.PREFIX}{treatment}#"
        with translated(f"approval of {treatment}"):
            items = DecisionItem.query(partition(run_id), DecisionItem.sk.startswith(prefix), consistent_read=True)
            return sorted((item.decision() for item in items), key=lambda decision: decision.at)
