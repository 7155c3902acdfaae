"""A deletion goes on after an interruption at any point, begins only when nothing can write, and ends once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from cadence.application.deletion.delete_projects import DeleteProjects, DeletionParts
from cadence.application.deletion.request_deletion import RequestDeletion
from cadence.domain.access.access import ALL_PERMISSIONS, Principal, Project
from cadence.domain.deletion.project_deletion import DataCounts, DeletionState, ProjectDeletion, added
from cadence.domain.shared.errors import Conflict, InvalidRequest, NotFound, Transient
from tests.fakes.audit import MemoryAuditTrail
from tests.unit.deletion.holds import MemoryHolds, hold

BEGIN = datetime(2026, 11, 30, 12, tzinfo=UTC)
PROJECT = Project("acme", "shop", BEGIN)
ADA = Principal(
    token_id="t1", name="ada", organization="acme", project="*", permissions=frozenset({ALL_PERMISSIONS})
)  # fmt: skip


@dataclass
class MemoryDeletions:
    stored: dict[str, ProjectDeletion] = field(default_factory=dict)
    projects: set[str] = field(default_factory=lambda: {"shop", "web"})
    marked: set[str] = field(default_factory=set)

    def request(self, deletion: ProjectDeletion) -> None:
        if deletion.project in self.marked or deletion.project not in self.projects:
            raise Conflict("it is being deleted")
        self.marked.add(deletion.project)
        self.stored[deletion.deletion_id] = replace(deletion, version=1)

    def get(self, organization: str, deletion_id: str) -> ProjectDeletion:
        if deletion_id not in self.stored:
            raise NotFound(deletion_id)
        return self.stored[deletion_id]

    def list(self, organization: str) -> Sequence[ProjectDeletion]:
        return [*self.stored.values()]

    def list_organizations(self) -> Sequence[ProjectDeletion]:
        return [one for one in self.stored.values() if one.whole_organization]

    def unfinished(self) -> Sequence[ProjectDeletion]:
        return [one for one in self.stored.values() if one.state is not DeletionState.DELETED]

    def update(self, deletion: ProjectDeletion) -> ProjectDeletion:
        if self.stored[deletion.deletion_id].version != deletion.version:
            raise Conflict("it was changed")
        self.stored[deletion.deletion_id] = replace(deletion, version=deletion.version + 1)
        return self.stored[deletion.deletion_id]

    def finish(self, deletion: ProjectDeletion) -> None:
        self.update(deletion)
        self.projects.discard(deletion.project)
        self.marked.discard(deletion.project)


@dataclass
class World:
    """A project with some data and runs, and the time."""

    now: datetime = BEGIN
    store: MemoryDeletions = field(default_factory=MemoryDeletions)
    holds: MemoryHolds = field(default_factory=MemoryHolds)
    audit: MemoryAuditTrail = field(default_factory=MemoryAuditTrail)
    remaining: dict[str, int] = field(default_factory=lambda: {"runs": 3, "secrets": 2})
    running: int = 0
    late: int = 0
    fails: int = 0
    closed: int = 0
    woken: int = 0

    def __post_init__(self) -> None:
        self.deleting = DeleteProjects(
            store=self.store,
            projects=DeletionParts(self, self),
            organizations=DeletionParts(self, self),
            audit=self.audit,
            clock=lambda: self.now,
            sleep=self.sleep,
            delay=timedelta(hours=3),
        )
        self.requests = RequestDeletion(
            store=self.store,
            holds=self.holds,
            work=self,
            stop_alerting=lambda organization, project: 4,
            new_id=lambda at: "d1",
            clock=lambda: self.now,
            delay=timedelta(hours=3),
        )

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.running = max(0, self.running - 1)

    def wake(self) -> None:
        self.woken += 1

    def close(self, organization: str, project: str) -> tuple[Mapping[str, int], Sequence[str]]:
        self.closed += 1
        return ({"tokens": 1} if self.closed == 1 else {}), ["The webhook of https://x may still be there."]

    def end_runs(self, organization: str, project: str, cause: str) -> int:
        return self.running

    def count(self, organization: str, project: str, over: Callable[[], bool] = lambda: False) -> DataCounts:
        remaining = {**self.remaining, "runs": self.remaining.get("runs", 0) + self.late}
        return DataCounts(added(remaining, {}))

    def remove(
        self, organization: str, project: str, removed: Callable[[Mapping[str, int]], None], over: Callable[[], bool]
    ) -> bool:
        while self.remaining:
            if self.fails:
                self.fails -= 1
                raise Transient("the table is busy")
            if over():
                return False
            kind = min(self.remaining)
            removed({kind: self.remaining.pop(kind)})
        return True

    def request(self) -> ProjectDeletion:
        return self.requests.request(ADA, PROJECT, "shop")

    def work(self, seconds: float = 900) -> dict[str, int]:
        return self.deleting.work(lambda: seconds)

    @property
    def deletion(self) -> ProjectDeletion:
        return self.store.get("acme", "d1")


def test_a_deletion_has_to_name_the_project() -> None:
    world = World()
    for confirmed in (None, "web", "Shop"):
        with pytest.raises(InvalidRequest, match="'shop'"):
            world.requests.request(ADA, PROJECT, confirmed)
    assert world.store.stored == {}


def test_a_project_is_deleted_once_and_its_worker_is_woken() -> None:
    world = World()
    assert world.request().removed == {"alert rules": 4}
    assert (world.woken, world.store.marked) == (1, {"shop"})
    with pytest.raises(Conflict):
        world.request()


@pytest.mark.parametrize("run_id", [None, "r1"])
def test_a_project_of_which_something_is_held_is_not_deleted(run_id: str | None) -> None:
    world = World()
    world.holds.add(hold("h1", "web"))
    world.holds.add(hold("h2", "shop", run_id))
    with pytest.raises(Conflict, match=r"legal hold .* since 2026-11-30 \(case 7\)"):
        world.request()
    assert (world.woken, world.store.marked) == (0, set())
    world.holds.release(world.holds.get("acme", "h2"), world.now, "member:ada")
    world.request()
    assert world.store.marked == {"shop"}


def test_nothing_is_removed_before_the_delay_is_over() -> None:
    world = World()
    world.request()
    assert world.work() == {"deletions": 1, "finished": 0}
    assert (world.closed, world.deletion.state) == (1, DeletionState.CLOSING)
    assert world.remaining == {"runs": 3, "secrets": 2}
    world.now = BEGIN + timedelta(hours=3)
    assert world.work() == {"deletions": 1, "finished": 1}
    done = world.deletion
    assert (done.state, done.finished_at) == (DeletionState.DELETED, world.now)
    assert done.removed == {"alert rules": 4, "runs": 3, "secrets": 2, "tokens": 1}
    assert done.remains == ("The webhook of https://x may still be there.",)
    assert world.store.projects == {"web"}
    assert world.work() == {"deletions": 0, "finished": 0}


def test_nothing_is_removed_while_a_run_goes_on() -> None:
    world = World(running=1_000)
    world.request()
    world.now = BEGIN + timedelta(hours=4)
    assert world.work() == {"deletions": 1, "finished": 0}
    assert world.remaining == {"runs": 3, "secrets": 2}
    # Something may be written for some time after the last run has ended.
    ended = world.now
    world.running = 0
    world.now = ended + timedelta(hours=2, minutes=50)
    assert world.work() == {"deletions": 1, "finished": 0}
    world.now = ended + timedelta(hours=3)
    assert world.work() == {"deletions": 1, "finished": 1}


def test_the_end_is_in_the_audit_log_once() -> None:
    world = World()
    world.request()
    world.now = BEGIN + timedelta(hours=3)
    world.work()
    (entry,) = world.audit.noted
    assert (entry.actor, entry.action, entry.outcome, entry.project) == ("t1", "delete_project", "deleted", "shop")
    assert entry.target == "/v1/project-deletions/d1"


def test_a_deletion_that_was_interrupted_goes_on() -> None:
    world = World(fails=2)
    world.request()
    world.now = BEGIN + timedelta(hours=3)
    for _ in range(2):
        assert world.work() == {"deletions": 1, "finished": 0}
        assert world.deletion.leased_until is None
    assert world.work() == {"deletions": 1, "finished": 1}
    assert world.deletion.removed == {"alert rules": 4, "runs": 3, "secrets": 2, "tokens": 1}


def test_a_process_that_died_holds_its_lease_for_a_while() -> None:
    world = World()
    world.request()
    world.now = BEGIN + timedelta(hours=3)
    dead = world.store.update(replace(world.deletion, leased_until=world.now + timedelta(minutes=16)))
    assert world.work() == {"deletions": 1, "finished": 0}
    assert world.deletion == dead
    world.now += timedelta(minutes=16)
    assert world.work() == {"deletions": 1, "finished": 1}


def test_what_was_written_meanwhile_is_removed_by_the_next_call() -> None:
    world = World(late=1)
    world.request()
    world.now = BEGIN + timedelta(hours=3)
    assert world.work() == {"deletions": 1, "finished": 0}
    assert (world.deletion.state, world.store.projects) == (DeletionState.REMOVING, {"shop", "web"})
    world.late = 0
    assert world.work() == {"deletions": 1, "finished": 1}


def test_without_time_nothing_begins() -> None:
    world = World()
    world.request()
    world.now = BEGIN + timedelta(hours=3)
    assert world.work(seconds=10) == {"deletions": 0, "finished": 0}
    assert world.closed == 0
