"""Wiring of results of tests, for the `api` Lambda."""

from dataclasses import dataclass

from cadence.adapters.dynamodb.test_reports.case_results import DynamoCaseResults
from cadence.adapters.dynamodb.test_reports.durations import DynamoDurations
from cadence.adapters.s3.buckets import Buckets
from cadence.adapters.s3.chunks import S3Chunks
from cadence.application.shared.run_ports import TreatmentStore
from cadence.application.test_reports.list_results import ListTests
from cadence.application.test_reports.ports import CaseResultStore, DurationStore
from cadence.composition.shared.settings import ApiSettings


@dataclass(frozen=True)
class CaseResults:
    """What the routes about tests use."""

    store: CaseResultStore
    listing: ListTests
    durations: DurationStore


def case_results(config: ApiSettings, treatments: TreatmentStore) -> CaseResults:
    store = DynamoCaseResults(config.runs_table, S3Chunks(Buckets(config.data_bucket)))
    return CaseResults(store, ListTests(store, treatments), DynamoDurations(config.runs_table))
