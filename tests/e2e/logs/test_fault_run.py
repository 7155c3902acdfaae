"""Lines on the real stack while its indexer is killed, its store refuses, and the log stream repeats, shuffles and
holds what is no record.
"""

import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.e2e.account import Account
from tests.e2e.api import Api
from tests.e2e.conftest import Cadence, Stack
from tests.e2e.faulty_store import FaultyStore, faulty_store
from tests.waiting import eventually

pytestmark = pytest.mark.slow

FUNCTION, STREAM = "cadence-main-log-indexer", "cadence-main-log-lines"
LINES = 240
REFUSED_FOR = float(os.environ.get("CADENCE_FAULT_SECONDS", "0"))
"""How much longer than until it is noticed the store refuses everything; a run of a minute is asked for by hand."""
POISON = (b'{"run": "cut off', b"\xff\xfe\x00")
# Seconds; a bound on a hang, not a measure.
WITHIN = 150
DOCUMENT = {
    "cadence": 1,
    "name": "through-faults",
    "treatments": {
        name: {"run": f"for n in $(seq 1 {LINES}); do echo {name} $n faultrun; [ $((n % 40)) != 0 ] || sleep 0.4; done"}
        for name in ("left", "right")
    },
}


class LogAccount:
    def __init__(self, stack: Stack) -> None:
        self.client: Callable[[str], Any] = Account(stack).root

    def indexer_uses(self, **variables: str) -> dict[str, str]:
        """Sets variables of the indexer; answers those that it had."""
        functions = self.client("lambda")
        before = functions.get_function_configuration(FunctionName=FUNCTION)["Environment"]["Variables"]
        functions.update_function_configuration(
            FunctionName=FUNCTION, Environment={"Variables": {**before, **variables}}
        )
        return dict(before)

    def records(self, run_id: str) -> list[bytes]:
        """What the log stream has of a run."""
        kinesis, found = self.client("kinesis"), list[bytes]()
        for shard in kinesis.list_shards(StreamName=STREAM)["Shards"]:
            iterator = kinesis.get_shard_iterator(
                StreamName=STREAM, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            while iterator:
                page = kinesis.get_records(ShardIterator=iterator, Limit=10_000)
                found += [record["Data"] for record in page["Records"] if record["PartitionKey"] == run_id]
                iterator = page["NextShardIterator"] if page["Records"] else None
        return found

    def send(self, run_id: str, *records: bytes) -> None:
        for record in records:
            self.client("kinesis").put_record(StreamName=STREAM, PartitionKey=run_id, Data=record)


@pytest.fixture(scope="module")
def account(stack: Stack) -> LogAccount:
    return LogAccount(stack)


@pytest.fixture
def store(stack: Stack, account: LogAccount) -> Iterator[FaultyStore]:
    with faulty_store(stack.aws_endpoint) as store:
        before = account.indexer_uses(AWS_ENDPOINT_URL_S3=store.url)
        try:
            yield store
        finally:
            account.client("lambda").update_function_configuration(
                FunctionName=FUNCTION, Environment={"Variables": before}
            )


def searched(api: Api, query: str) -> Counter[tuple[str, str]]:
    """How often each line (run, text) is found, page by page."""
    found: Counter[tuple[str, str]] = Counter()
    cursor: dict[str, str] = {}
    while True:
        page = api.get("/v1/logs", q=query, limit=200, **cursor)
        found.update((line["run"], line["text"]) for line in page["lines"] if not line["gap"])
        if not page["next"]:
            return found
        cursor = {"cursor": page["next"]}


def test_every_acknowledged_line_is_found_once_and_what_is_no_record_is_kept(
    api: Api, cadence: Cadence, account: LogAccount, store: FaultyStore
) -> None:
    # The first process that writes is killed, its segment stored and part of no log; so is the one that tries again.
    store.kills = 2
    first, second = api.start(DOCUMENT), api.start(DOCUMENT)
    eventually(lambda: len(store.killed) == 2, WITHIN, what="two indexers were killed")
    # Half of each batch fails, then everything.
    store.refusing = {f"/{first}/logs/"}
    eventually(lambda: len(store.refused) >= 2, WITHIN, what="the first run's lines were refused")
    store.refusing = {"/logs/", "dead-letters/"}
    account.send(first, *POISON)
    before = len(store.refused)
    eventually(
        lambda: any("dead-letters" in path for path in store.refused[before:]),
        WITHIN,
        what="what is no record was refused too",
    )
    time.sleep(REFUSED_FOR)
    store.refusing = set()

    acknowledged = Counter(
        (run_id, f"{name} {n} faultrun")
        for run_id in (first, second)
        for name in ("left", "right")
        for n in range(1, LINES + 1)
    )
    for run_id in (first, second):
        assert api.finished(run_id)["state"] == "succeeded"
        copies = [record for record in account.records(run_id) if record not in POISON]
        random.Random(4).shuffle(copies)
        account.send(run_id, *copies)
    # The last record of all has been handed over once it is set aside itself.
    account.send(second, b"the end")
    eventually(lambda: len(dead_letter(api, second, first)) == 3, WITHIN, what="the last record was set aside")

    assert len(set(store.killed)) == 2
    for _ in range(2):
        read = [
            (run_id, line["text"])
            for run_id in (first, second)
            for line in api.lines(run_id)
            if line["stream"] == "stdout" and not line["gap"]
        ]
        assert Counter(read) == acknowledged
        assert searched(api, f"faultrun run:{first},{second}") == acknowledged
        account.client("lambda").invoke(
            FunctionName="cadence-main-search-index",
            Payload=json.dumps({"redrive": {"organization": "default", "project": "default"}}),
        )

    mended_and_redriven(cadence, account, api, first, second)


def mended_and_redriven(cadence: Cadence, account: LogAccount, api: Api, first: str, second: str) -> None:
    stray = next(one for one in dead_letter(api, first) if "16 bytes" in one["what"])
    assert json.loads(cadence("dead-letter", "show", stray["id"], "--json").stdout)["content"] == '{"run": "cut off'
    # Tried again as it is, it comes back.
    cadence("dead-letter", "redrive", stray["id"])
    eventually(lambda: at(api, stray["id"]) not in (None, stray["at"]), WITHIN, what="it is set aside again")
    # The cause is mended: whoever wrote it wrote half of it.
    (number,) = [one for one in stray_objects(account) if one[1] == b'{"run": "cut off']
    whole = {"run": first, "runner": f"{first}-late", "treatment": "left", "attempt": 1, "pool": "local"}
    whole["lines"] = [[1, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}.000Z", "stdout", "info", "left late faultrun", False]]
    bucket, key = number[0]
    account.client("s3").put_object(Bucket=bucket, Key=key, Body=json.dumps(whole).encode())
    cadence("dead-letter", "redrive", stray["id"])
    eventually(lambda: at(api, stray["id"]) is None, WITHIN, what="it is gone")
    late = searched(api, f"late run:{first}")
    assert late == Counter({(first, "left late faultrun"): 1})
    (listed,) = [line for line in cadence("dead-letter", "list").stdout.splitlines() if second in line]
    assert "This is no record of log lines." in listed
    rest = [one["id"] for one in dead_letter(api, first, second)]
    cadence("dead-letter", "discard", *rest)
    assert dead_letter(api, first, second) == []
    audited = json.loads(cadence("audit", "list", "--json").stdout)["items"]
    assert {one["action"] for one in audited} >= {"redrive_dead_letter", "discard_dead_letter"}


def dead_letter(api: Api, *run_ids: str) -> list[dict[str, Any]]:
    found = api.get("/v1/dead-letters", kind="record")["items"]
    return [one for one in found if any(run_id in one["what"] for run_id in run_ids)]


def at(api: Api, dead_letter_id: str) -> str | None:
    found = api.get("/v1/dead-letters")["items"]
    return next((one["at"] for one in found if one["id"] == dead_letter_id), None)


def stray_objects(account: LogAccount) -> list[tuple[tuple[str, str], bytes]]:
    s3 = account.client("s3")
    found = []
    for bucket in s3.list_buckets()["Buckets"]:
        if "-data-" in bucket["Name"]:
            for one in s3.list_objects_v2(Bucket=bucket["Name"], Prefix="dead-letters/").get("Contents", ()):
                body = s3.get_object(Bucket=bucket["Name"], Key=one["Key"])["Body"].read()
                found.append(((bucket["Name"], one["Key"]), body))
    return found
