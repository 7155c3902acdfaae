"""What a project keeps is counted at each grant; beyond its quota nothing is granted, until something was removed."""

from datetime import UTC, datetime, timedelta

import pytest

from cadence.application.shared.storage import ReserveStorage
from cadence.application.values.storage import ManageStorage, RemovedObjects, release
from cadence.domain.shared.errors import InvalidRequest, TooLarge
from cadence.domain.values.storage import StorageUse, storage_text
from tests.fakes.services import MemoryStorageLedger

PROJECT = ("acme", "web")


class Storage:
    """Two processes that grant uploads, over one ledger."""

    def __init__(self, limit: int) -> None:
        self.ledger = MemoryStorageLedger()
        self.now = datetime(2026, 1, 1, 23, 59, 30, tzinfo=UTC)
        self.one, self.other = (ReserveStorage(self.ledger, limit, lambda: self.now) for _ in range(2))

    @property
    def used(self) -> int:
        return self.ledger.read(*PROJECT).used


def test_bytes_are_counted_up_to_the_quota_and_no_further() -> None:
    storage = Storage(limit=100)
    for _ in range(2):
        storage.one.reserve(*PROJECT, 50)
    with pytest.raises(TooLarge, match="storage quota of 100 bytes for the values of the project 'web'") as refused:
        storage.one.reserve(*PROJECT, 1)
    assert (refused.value.details, storage.used) == ({"quota": "storage", "limit": 100, "used": 100}, 100)
    storage.one.reserve("acme", "other", 100)


def test_nothing_takes_no_space() -> None:
    storage = Storage(limit=1)
    storage.one.reserve(*PROJECT, 0)
    assert storage.ledger.reads == 0


def test_what_is_removed_makes_room_at_once() -> None:
    storage = Storage(limit=100)
    storage.one.reserve(*PROJECT, 100)
    assert release(storage.ledger, *PROJECT, RemovedObjects(3, {"2026-01-01": 60, "2025-12-31": 5})) == 3
    assert storage.used == 40
    storage.one.reserve(*PROJECT, 60)
    with pytest.raises(TooLarge):
        storage.one.reserve(*PROJECT, 1)


def test_what_other_processes_count_is_known_with_the_next_grant() -> None:
    storage = Storage(limit=100)
    storage.one.reserve(*PROJECT, 10)
    storage.other.reserve(*PROJECT, 80)
    storage.one.reserve(*PROJECT, 5)
    with pytest.raises(TooLarge):
        storage.one.reserve(*PROJECT, 6)


def test_a_project_is_read_once_a_minute_and_on_a_new_day() -> None:
    storage = Storage(limit=1_000)
    for _ in range(5):
        storage.one.reserve(*PROJECT, 1)
    assert storage.ledger.reads == 1
    storage.now += timedelta(seconds=40)
    storage.one.reserve(*PROJECT, 1)
    assert storage.ledger.reads == 2
    storage.now += timedelta(seconds=61)
    storage.one.reserve(*PROJECT, 1)
    assert storage.ledger.reads == 3
    assert storage.ledger.uses[PROJECT].days == {"2026-01-01": 5, "2026-01-02": 2}


def test_a_project_may_allow_itself_less() -> None:
    storage = Storage(limit=100)
    manage = ManageStorage(storage.ledger, 100)
    assert manage.put(*PROJECT, 30).limit == 30
    storage.one.reserve(*PROJECT, 30)
    with pytest.raises(TooLarge):
        storage.one.reserve(*PROJECT, 1)
    now = manage.get(*PROJECT)
    assert (now.used, now.limit, now.own, now.most) == (30, 30, 30, 100)
    assert manage.put(*PROJECT, None).limit == 100
    storage.one.reserve(*PROJECT, 70)


@pytest.mark.parametrize("limit", [0, -1, 101])
def test_a_project_cannot_allow_itself_more_than_the_installation(limit: int) -> None:
    with pytest.raises(InvalidRequest, match="project_storage_mebibytes"):
        ManageStorage(MemoryStorageLedger(), 100).put(*PROJECT, limit)


def test_a_limit_of_before_is_bounded_by_a_lower_one_of_the_installation() -> None:
    assert StorageUse({}, 500).limit(100) == 100


def test_a_day_that_lost_more_than_was_counted_has_none_left() -> None:
    assert StorageUse({"2026-01-01": -5, "2026-01-02": 7}).used == 7


def test_the_message_names_sizes_in_words() -> None:
    text = storage_text("web", 3 << 40, (5 << 30) + (1 << 29))
    assert "quota of 3 TiB" in text
    assert "5.5 GiB are kept" in text
