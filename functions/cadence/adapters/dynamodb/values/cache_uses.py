"""`CacheHistory` on the `runners` table: what attempts saved and restored, by runner and by entry."""

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from pynamodb.attributes import JSONAttribute

from cadence.adapters.dynamodb.runners.runner_items import RunnersTable, expiry, runner_partition
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.shared.ports import Page
from cadence.domain.runners.runner import Runner
from cadence.domain.values.cache import CacheMaker, CacheUse

_RESTORED = "RESTORED#"
_SAVED = "SAVED#"
_TIMES = ("saved_at", "at")


class CacheUseItem(RunnersTable):
    class Meta:
        table_name: ClassVar[str] = "runners"

    use = JSONAttribute()

    @classmethod
    def of(cls, pk: str, sk: str, use: CacheUse) -> "CacheUseItem":
        fields = dataclasses.asdict(use)
        return cls(pk, sk, use=fields | {name: fields[name].isoformat() for name in _TIMES}, expires_at=expiry())

    def cache_use(self) -> CacheUse:
        maker = self.use["maker"]
        times = {name: datetime.fromisoformat(self.use[name]) for name in _TIMES}
        return CacheUse(**self.use | times | {"maker": CacheMaker(**maker) if maker else None})


class DynamoCacheUses:
    def __init__(self, table_name: str) -> None:
        bind(CacheUseItem, table_name)

    def note_restored(self, runner: Runner, use: CacheUse) -> None:
        of_entry = _entry(runner.organization, runner.project, use.entry)
        with translated(f"the use of cache {use.key}"), CacheUseItem.batch_write() as batch:
            batch.save(CacheUseItem.of(runner_partition(runner.runner_id), _RESTORED + use.entry, use))
            batch.save(CacheUseItem.of(of_entry, _position(use), use))

    def note_saved(self, runner: Runner, use: CacheUse) -> None:
        with translated(f"the saving of cache {use.key}"):
            CacheUseItem.of(runner_partition(runner.runner_id), _SAVED + use.entry, use).save()

    def restored(self, runner_id: str) -> Sequence[CacheUse]:
        return self._of_runner(runner_id, _RESTORED)

    def saved(self, runner_id: str) -> Sequence[CacheUse]:
        return self._of_runner(runner_id, _SAVED)

    def restores_of(
        self, organization: str, project: str, entry: str, limit: int, after: str | None = None
    ) -> Page[CacheUse]:
        with translated(f"the uses of cache entry {entry}"):
            restores = [
                item.cache_use()
                for item in CacheUseItem.query(
                    _entry(organization, project, entry), CacheUseItem.sk > after if after else None, limit=limit + 1
                )
            ]
        page = restores[:limit]
        return Page(page, _position(page[-1]) if len(restores) > limit else None)

    @staticmethod
    def _of_runner(runner_id: str, prefix: str) -> Sequence[CacheUse]:
        with translated(f"the caches of runner {runner_id}"):
            items = CacheUseItem.query(runner_partition(runner_id), CacheUseItem.sk.startswith(prefix))
            return [item.cache_use() for item in items]


def _entry(organization: str, project: str, entry: str) -> str:
    return f"CACHEUSE#{organization}#{project}#{entry}"


def _position(use: CacheUse) -> str:
    return f"{use.run_id}#{use.treatment}#{use.attempt}"
