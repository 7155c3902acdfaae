"""Items of the `runs` table, and their translation to and from the domain. Keys are in docs/architecture/storage.md."""

import dataclasses
from typing import Any, ClassVar

from pynamodb.attributes import (
    BooleanAttribute,
    JSONAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex

from cadence.adapters.dynamodb.shared.stored_item import StoredItem
from cadence.domain.melodium.process import MelodiumRun
from cadence.domain.pipelines.plan import spec_from_json, spec_to_json
from cadence.domain.pipelines.specification import ConcurrencyPolicy, TreatmentKind, TreatmentSpec
from cadence.domain.runs import history
from cadence.domain.runs.run import ReplayOf, Run, Treatment, is_element
from cadence.domain.runs.states import RunState, TreatmentState
from cadence.domain.values import value_retention


def partition(run_id: str) -> str:
    return f"RUN#{run_id}"


def scope(organization: str, project: str) -> str:
    return f"PROJECT#{organization}#{project}"


class ListingIndex(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]
    class Meta:
        index_name = "listing"
        projection = AllProjection()

    scope = UnicodeAttribute(hash_key=True)
    run_id = UnicodeAttribute(range_key=True)


class RunsTable(StoredItem):
    """What all items of the table share. Each kind of item is a subclass."""

    class Meta:
        table_name: ClassVar[str] = "runs"


class RunItem(RunsTable):
    SK: ClassVar[str] = "RUN"
    _LEFT_OUT: ClassVar[frozenset[str]] = frozenset(
        {"pins", "keeps_values_elsewhere", "soft_failures", "generated"}
    )  # where empty

    listing = ListingIndex()
    scope = UnicodeAttribute()
    run_id = UnicodeAttribute()  # its place in the listing, which is its id unless that is a UUID
    uuid = UnicodeAttribute(null=True)
    organization = UnicodeAttribute()
    project = UnicodeAttribute()
    pipeline = UnicodeAttribute()
    pipeline_version = NumberAttribute(null=True)
    state = UnicodeAttribute()
    cause = UnicodeAttribute(null=True)
    document_sha256 = UnicodeAttribute()
    plan_sha256 = UnicodeAttribute()
    parameters = JSONAttribute()
    event = JSONAttribute()
    max_duration = NumberAttribute()
    created_at = UTCDateTimeAttribute()
    created_by = UnicodeAttribute()
    started_at = UTCDateTimeAttribute(null=True)
    finished_at = UTCDateTimeAttribute(null=True)
    started_by_run = UnicodeAttribute(null=True)
    started_by_treatment = UnicodeAttribute(null=True)
    depth = NumberAttribute(null=True)
    waiting_token = UnicodeAttribute(null=True)
    stop_requested = UnicodeAttribute(null=True)
    machine_token = UnicodeAttribute(null=True)
    stop_token = UnicodeAttribute(null=True)
    rerun_of = UnicodeAttribute(null=True)
    replay_of = JSONAttribute(null=True)
    kept_sha256 = UnicodeAttribute(null=True)
    pins = JSONAttribute(null=True)
    concurrency_group = UnicodeAttribute(null=True)
    concurrency_policy = UnicodeAttribute(null=True)
    priority = NumberAttribute(null=True)
    waiting_for = UnicodeAttribute(null=True)
    melodium = JSONAttribute(null=True)
    keeps_values_elsewhere = BooleanAttribute(null=True)
    soft_failures = NumberAttribute(null=True)
    generated = BooleanAttribute(null=True)

    @classmethod
    def of(cls, run: Run) -> "RunItem":
        item = cls(partition(run.run_id), cls.SK, scope=scope(run.organization, run.project))
        for field in dataclasses.fields(run):
            value = getattr(run, field.name)
            if value is not None and not (field.name in cls._LEFT_OUT and not value):
                plain = dataclasses.asdict(value) if isinstance(value, ReplayOf | MelodiumRun) else value
                setattr(item, field.name, plain)
        if run.melodium:
            item.run_id, item.uuid = run.position, run.run_id
        return item

    @property
    def its_id(self) -> str:
        return self.uuid or self.run_id

    def run(self) -> Run:
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(Run)}
        values["state"] = RunState(self.state)
        values["stop_requested"] = RunState(self.stop_requested) if self.stop_requested else None
        values["max_duration"] = int(self.max_duration)
        values["pipeline_version"] = _int(self.pipeline_version)
        values["depth"] = int(self.depth or 0)
        values["concurrency_policy"] = ConcurrencyPolicy(self.concurrency_policy or ConcurrencyPolicy.QUEUE)
        values["priority"] = _int(self.priority) or 0
        values["soft_failures"] = _int(self.soft_failures) or 0
        values["pins"] = self.pins or {}
        values["replay_of"] = ReplayOf(**self.replay_of) if self.replay_of else None
        values["run_id"] = self.its_id
        values["melodium"] = _melodium(self.melodium)
        values["keeps_values_elsewhere"] = bool(self.keeps_values_elsewhere)
        values["generated"] = bool(self.generated)
        return Run(**values)


class CountItem(RunsTable):
    """The count of unsettled treatments: apart from the run, so that its write is small and changes no index."""

    SK: ClassVar[str] = "COUNT"

    unsettled = NumberAttribute()

    @classmethod
    def key(cls, run_id: str) -> "CountItem":
        """Returns an item that is only its key, to be updated."""
        return cls(partition(run_id), cls.SK)


class SpecItem(RunsTable):
    PREFIX: ClassVar[str] = "SPEC#"

    spec = JSONAttribute()

    @classmethod
    def of(cls, run_id: str, spec: TreatmentSpec) -> "SpecItem":
        return cls(partition(run_id), cls.PREFIX + spec.name, spec=spec_to_json(spec))

    def treatment_spec(self) -> TreatmentSpec:
        return spec_from_json(self.spec)


class TreatmentItem(RunsTable):
    PREFIX: ClassVar[str] = "TREATMENT#"
    ELEMENTS: ClassVar[str] = "ELEMENT#"  # apart from the others, as nothing schedules or watches them
    _LEFT_OUT: ClassVar[frozenset[str]] = frozenset(
        {"kind", "conditional", "timeouts", "interruptions", "ends_retention", "reports", "soft_failed"}
        | {"carried", "edges_delivered"}
    )  # where they are as usual

    run_id = UnicodeAttribute()
    name = UnicodeAttribute()
    state = UnicodeAttribute()
    waiting = NumberAttribute()
    kind = UnicodeAttribute(null=True)
    bounded_by = UnicodeAttribute(null=True)
    conditional = BooleanAttribute(null=True)
    cancel_reason = UnicodeAttribute(null=True)
    attempt = NumberAttribute()
    failures = NumberAttribute()
    infrastructure_failures = NumberAttribute()
    timeouts = NumberAttribute(null=True)
    interruptions = NumberAttribute(null=True)
    cause = UnicodeAttribute(null=True)
    exit_code = NumberAttribute(null=True)
    pool = UnicodeAttribute(null=True)
    waiting_for = UnicodeAttribute(null=True)
    placement = UnicodeAttribute(null=True)
    concurrency_limits = UnicodeSetAttribute(null=True)
    turn_token = UnicodeAttribute(null=True)
    kept_from = UnicodeAttribute(null=True)
    ready_at = UTCDateTimeAttribute(null=True)
    placed_at = UTCDateTimeAttribute(null=True)
    started_at = UTCDateTimeAttribute(null=True)
    finished_at = UTCDateTimeAttribute(null=True)
    history = UnicodeSetAttribute(null=True)
    retention = JSONAttribute(null=True)
    ends_retention = BooleanAttribute(null=True)
    reports = BooleanAttribute(null=True)
    soft_failed = BooleanAttribute(null=True)
    carried = NumberAttribute(null=True)
    edges_delivered = BooleanAttribute(null=True)

    @classmethod
    def key_of(cls, name: str) -> str:
        return (cls.ELEMENTS if is_element(name) else cls.PREFIX) + name

    @classmethod
    def of(cls, treatment: Treatment) -> "TreatmentItem":
        item = cls(partition(treatment.run_id), cls.key_of(treatment.name))
        for field in dataclasses.fields(treatment):
            value = getattr(treatment, field.name)
            if value is not None and value != () and not (value == field.default and field.name in cls._LEFT_OUT):
                setattr(item, field.name, value_retention.plain(value) if field.name == "retention" else value)
        item.history = {history.encode(change) for change in treatment.history} or None
        return item

    def treatment(self) -> Treatment:
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(Treatment)}
        values["state"] = TreatmentState(self.state)
        values["kind"] = TreatmentKind(self.kind or TreatmentKind.COMMAND)
        values["conditional"] = bool(self.conditional)
        values["retention"] = value_retention.stored(self.retention)
        values["ends_retention"] = bool(self.ends_retention)
        values["reports"] = bool(self.reports)
        values["soft_failed"] = bool(self.soft_failed)
        values["edges_delivered"] = bool(self.edges_delivered)
        for name in ("timeouts", "interruptions", "carried"):
            values[name] = int(values[name] or 0)
        values["concurrency_limits"] = tuple(sorted(self.concurrency_limits or ()))
        values["history"] = history.in_order(map(history.decode, self.history or ()), tuple(TreatmentState))
        for name in ("waiting", "attempt", "failures", "infrastructure_failures", "exit_code"):
            values[name] = _int(values[name])
        return Treatment(**values)


def assignment(model: type[RunsTable], name: str, value: Any) -> Any:
    """Returns the update: `history` is added to what is there; every other field is replaced."""
    attribute = getattr(model, name)
    if name == "history":
        return attribute.add({history.encode(change) for change in value})
    if value is None or value == () or value is False:
        return attribute.remove()
    if isinstance(value, value_retention.ValueRetention):
        return attribute.set(value_retention.plain(value))
    return attribute.set(set(value) if isinstance(value, tuple) else value)


def _melodium(stored: dict[str, Any] | None) -> MelodiumRun | None:
    return MelodiumRun(**{**stored, "tags": tuple(stored["tags"])}) if stored else None


def _int(number: float | None) -> int | None:
    return None if number is None else int(number)


def run_key(run_id: str) -> RunItem:
    """Returns an item that is only its key, to be updated."""
    return RunItem(partition(run_id), RunItem.SK)


def treatment_key(run_id: str, treatment: str) -> TreatmentItem:
    """Returns an item that is only its key, to be updated."""
    return TreatmentItem(partition(run_id), TreatmentItem.key_of(treatment))
