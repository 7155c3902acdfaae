"""Wiring of the Lambda `search_index`, and of what it shares with searching."""

import tempfile
from datetime import timedelta
from pathlib import Path

from cadence.adapters.dynamodb.search.splits import DynamoSplitCatalogue
from cadence.adapters.s3.buckets import Buckets
from cadence.adapters.s3.fast_line_parser import quick_lines
from cadence.adapters.s3.log_segments import S3LogSegments
from cadence.adapters.s3.splits import S3Splits
from cadence.adapters.tantivy.split_folder import SplitFolder
from cadence.application.search.index_project import IndexProject
from cadence.application.search.schedule_indexing import ScheduleIndexing
from cadence.application.search.sync_search_service import SyncSearchService
from cadence.application.shared.identifiers import new_ulid
from cadence.composition.shared import settings
from cadence.composition.shared.clock import now
from cadence.composition.shared.line_store import line_store

# The larger part of a Lambda's /tmp (see infra.functions); building an index needs the rest.
_MOST_BYTES = 2 << 30


def splits(buckets: Buckets) -> S3Splits:
    return S3Splits(buckets, SplitFolder(Path(tempfile.gettempdir()) / "cadence-splits", _MOST_BYTES))


def search_index() -> ScheduleIndexing:
    config = settings.load(settings.SearchIndexSettings)
    catalogue = DynamoSplitCatalogue(config.logs_table)
    segments = S3LogSegments(config.data_bucket, quick_lines, value_buckets=config.value_buckets)
    longest = timedelta(days=int(config.retention_days))
    store = line_store(config, now)
    tend = IndexProject(
        catalogue=catalogue,
        segments=segments,
        splits=splits(Buckets.of(config.data_bucket, config.value_buckets)),
        clock=now,
        new_id=new_ulid,
        longest=longest,
        only_elsewhere=store is not None,
    )
    if store is None:
        return ScheduleIndexing(catalogue, tend, now)
    return ScheduleIndexing(
        catalogue, SyncSearchService(catalogue=catalogue, segments=segments, store=store, splits=tend, clock=now), now
    )
