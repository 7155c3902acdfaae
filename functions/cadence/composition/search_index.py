"""Wiring of the Lambda `search_index`, and of what it shares with searching."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cadence.adapters.dynamodb.splits import DynamoSplitCatalogue
from cadence.adapters.s3_log_segments import S3LogSegments
from cadence.adapters.s3_splits import S3Splits
from cadence.adapters.split_folder import SplitFolder
from cadence.application.identifiers import new_ulid
from cadence.application.tend_index import TendIndex
from cadence.application.tend_indexes import TendIndexes
from cadence.composition import settings

# Of a Lambda's /tmp (see infra.functions), the larger part: what is being built needs the rest.
_MOST_BYTES = 2 << 30


def splits(bucket: str) -> S3Splits:
    return S3Splits(bucket, SplitFolder(Path(tempfile.gettempdir()) / "cadence-splits", _MOST_BYTES))


def search_index() -> TendIndexes:
    its = settings.load(settings.SearchIndexSettings)
    catalogue = DynamoSplitCatalogue(its.logs_table)

    def now() -> datetime:
        return datetime.now(UTC)

    tend = TendIndex(
        catalogue,
        S3LogSegments(its.data_bucket),
        splits(its.data_bucket),
        now,
        new_ulid,
        timedelta(days=int(its.retention_days)),
    )
    return TendIndexes(catalogue, tend, now)
