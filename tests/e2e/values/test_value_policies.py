"""What pools say of their values and lines: where they are kept, and what stays of them.

The stack has a second bucket for it.
"""

import hashlib
import json
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cadence.local.shared.region import REGION
from tests.e2e.account import Account
from tests.e2e.api import Api, states
from tests.e2e.conftest import Cadence, Stack
from tests.e2e.hosts import joined
from tests.stored_text import readable
from tests.waiting import last_look

pytestmark = pytest.mark.slow

ELSEWHERE = "cadence-main-elsewhere"
POOLS: dict[str, dict[str, Any]] = {
    "there": {"capture": "full", "bucket": ELSEWHERE, "region": REGION},
    "digests": {"capture": "digest", "bucket": ELSEWHERE},
    "nothing": {"capture": "none"},
}


class Aws:
    """What is in the stores, past the API."""

    def __init__(self, stack: Stack) -> None:
        root = Account(stack).root
        self.s3, self.tables = root("s3"), root("dynamodb")
        self.kinesis, self.lambdas = root("kinesis"), root("lambda")

    def keys(self, bucket: str, prefix: str, since: datetime | None = None) -> list[str]:
        """The keys of objects; with `since`, of those that were written since then."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        found = (one for page in pages for one in page.get("Contents", ()))
        return [one["Key"] for one in found if since is None or one["LastModified"] >= since]

    def objects(self, bucket: str, keys: list[str]) -> dict[str, bytes]:
        return {key: self.s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}

    def below(self, bucket: str, prefix: str) -> dict[str, bytes]:
        return self.objects(bucket, self.keys(bucket, prefix))

    @property
    def own(self) -> str:
        (name,) = (
            one["Name"] for one in self.s3.list_buckets()["Buckets"] if one["Name"].startswith("cadence-main-data-")
        )
        return str(name)

    def in_tables(self, run_id: str, *marks: str) -> list[str]:
        """The marks that some item of the run, or of its runners, holds; a mark in base64 or hexadecimal is one of its
        own.
        """
        text = ""
        for table in ("runs", "runners"):
            for page in self.tables.get_paginator("scan").paginate(TableName=f"cadence-main-{table}"):
                text += "".join(str(item) for item in page["Items"] if run_id in str(item))
        return [mark for mark in marks if mark in text]

    def sent(self) -> bytes:
        """Everything that the log stream holds."""
        stream, found = "cadence-main-log-lines", b""
        for shard in self.kinesis.list_shards(StreamName=stream)["Shards"]:
            place = self.kinesis.get_shard_iterator(
                StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            while (page := self.kinesis.get_records(ShardIterator=place))["Records"]:
                found += b"\n".join(readable(record["Data"]) for record in page["Records"])
                place = page["NextShardIterator"]
        return found

    def everything_in_tables(self) -> str:
        names = self.tables.list_tables()["TableNames"]
        pages = (page for name in names for page in self.tables.get_paginator("scan").paginate(TableName=name))
        return "".join(str(page["Items"]) for page in pages)

    def index(self) -> None:
        """Builds the search index of all lines now, however few they are."""
        event = {"redrive": {"organization": "default", "project": "default"}}
        answer = self.lambdas.invoke(FunctionName="cadence-main-search-index", Payload=json.dumps(event))
        assert json.load(answer["Payload"])["failed"] == 0

    def gone(self, bucket: str, prefix: str) -> None:
        """Waits until nothing is there; the bound is for a hang, not a measure."""
        found = last_look(lambda: self.keys(bucket, prefix), lambda found: not found, pause=0.2)
        assert not found, f"still there: {found}"


@pytest.fixture(scope="module")
def aws(stack: Stack) -> Aws:
    return Aws(stack)


@pytest.fixture(scope="module")
def pools(api: Api, stack: Stack, cadence: Cadence, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Three pools that keep their values in different ways, each with a host."""
    # Where tests say that a treatment may end, which its sandbox has to let it see.
    shown = ["--show", str(tmp_path_factory.getbasetemp())]
    with ExitStack() as ending:
        for name, values in POOLS.items():
            body = {"provider": "host", "values": values, "settings": {"require_sandbox": False}}
            answer = api.call("PUT", f"/v1/pools/{name}", json=body)
            assert answer.status_code == 201, answer.text
            ending.enter_context(joined(stack, cadence, name, tmp_path_factory.mktemp(name), 4, *shown))
        yield
    for name, values in POOLS.items():
        api.withdraw(name, {"provider": "host", "values": values})


def document(pool: str, mark: str, **more: Any) -> dict[str, Any]:
    """`make` sends a block and a stream from the pool; `use` reads both elsewhere, and says what it read."""
    return {
        "cadence": 1,
        "name": "kept",
        "defaults": {"retry": {"infrastructure": 3}},
        "treatments": {
            "make": {
                "pools": [pool],
                "outputs": {"word": "Block<string>", "lines": "Stream<string>"},
                "run": f'echo word-{mark} > "$CADENCE_OUT_word"; echo line-{mark} > "$CADENCE_OUT_lines"',
            },
            "use": {
                "pools": ["local"],
                "inputs": {"word": "Block<string>", "lines": "Stream<string>"},
                "outputs": {"length": "Block<u64>"},
                "run": 'cat "$CADENCE_IN_word" "$CADENCE_IN_lines" | wc -c | tr -d " " > "$CADENCE_OUT_length"',
            },
            **more,
        },
        "connections": ["make.word -> use.word", "make.lines -> use.lines"],
    }


def marked() -> tuple[str, int]:
    """Something that nothing else holds, and how many bytes `use` reads of it."""
    mark = uuid.uuid4().hex
    return mark, len(f"word-{mark}\nline-{mark}\n")


def ended(api: Api, run_id: str) -> None:
    run = api.finished(run_id)
    assert set(states(run).values()) == {"succeeded"}, run["treatments"]


def refused(api: Api, status: int, path: str, method: str = "GET", **arguments: Any) -> str:
    answer = api.call(method, path, **arguments)
    assert answer.status_code == status, answer.text
    return str(answer.json()["detail"])


def kept_in(value: dict[str, Any]) -> tuple[Any, ...]:
    return value["bucket"], value["not_kept"], value["preview"], value["shown"]


def test_values_are_only_in_the_bucket_that_their_pool_names(
    api: Api, aws: Aws, stack: Stack, cadence: Cadence, pools: None
) -> None:
    mark, size = marked()
    wanted = document("there", mark)
    wanted["treatments"]["make"] |= {
        "run": wanted["treatments"]["make"]["run"] + "; mkdir -p kept && echo cached-$CADENCE_PARAM_mark > kept/file",
        "cache": {"key": f"c-{mark[:8]}", "paths": ["kept"]},
    }
    wanted["parameters"] = {"mark": {"type": "string"}}
    run_id = api.start(wanted, mark=mark)
    ended(api, run_id)

    assert api.content(run_id, "use", "length") == f"{size}\n".encode()
    there = aws.below(ELSEWHERE, f"runs/{run_id}/values/")
    assert b"".join(there.values()) == f"line-{mark}\nword-{mark}\n".encode()
    assert all(key.startswith(f"runs/{run_id}/values/make/1/") for key in there)
    own = aws.below(aws.own, f"runs/{run_id}/values/")
    assert own and all(key.startswith(f"runs/{run_id}/values/use/1/") for key in own)
    value = api.value(run_id, "make", "word")
    assert kept_in(value) == (ELSEWHERE, None, None, None)
    # A script is no value; what it sent is in no table, not even its beginning.
    assert aws.in_tables(run_id, value["sha256"]) == [value["sha256"]]
    assert not [item for item in previews(aws, run_id) if f"-{mark}".encode() in item]
    assert api.content(run_id, "make", "lines") == f"line-{mark}\n".encode()
    assert mark in cadence("value", "show", run_id, "make.word").stdout
    assert f"kept in bucket {ELSEWHERE}" in cadence("show", run_id, "make").stdout

    # Its cache is there as well, and found there by those that may.
    (entry,) = {key.split("/")[3] for key in aws.below(ELSEWHERE, "caches/")}
    assert not [key for key in aws.below(aws.own, "caches/") if entry in key]
    again = api.start(wanted, mark=mark)
    ended(api, again)
    assert any("cache: hit" in line["text"] for line in api.lines(again, treatment="make"))

    # A rerun takes the value over from where it is; so does a replay.
    replay = api.call("POST", f"/v1/runs/{run_id}/treatments/use/replay", json={}).json()["run_id"]
    api.finished(replay)
    assert api.get(f"/v1/runs/{replay}/comparison")["verdict"] == "deterministic"


def test_log_lines_are_only_in_the_bucket_that_their_pool_names(
    api: Api, aws: Aws, stack: Stack, cadence: Cadence, pools: None
) -> None:
    mark, begun = uuid.uuid4().hex, datetime.now(UTC).replace(microsecond=0)
    # What is printed is written in no document and no parameter.
    said = f"said-{mark.translate(str.maketrans('0123456789', 'ghijklmnop'))}"
    wanted = {
        "cadence": 1,
        "name": "spoken",
        "parameters": {"mark": {"type": "string"}},
        "treatments": {
            "make": {
                "pools": ["there"],
                "run": "for n in 1 2 3; do echo said-$(echo $CADENCE_PARAM_mark | tr 0-9 g-p) $n; done",
            },
            "use": {"pools": ["local"], "after": ["make"], "run": f"echo plain-{mark}"},
        },
    }
    run_id = api.start(wanted, mark=mark)
    ended(api, run_id)
    assert [line["text"] for line in api.lines(run_id, 3, treatment="make")][-3:] == [f"{said} {n}" for n in (1, 2, 3)]
    assert any(line["text"] == f"plain-{mark}" for line in api.lines(run_id, 1, treatment="use"))
    assert f"{said} 2" in cadence("logs", run_id).stdout

    def searched() -> list[str]:
        return [line["text"] for line in api.get("/v1/logs", q=f'"{said}"', project="default")["lines"]]

    assert sorted(searched()) == [f"{said} {n}" for n in (1, 2, 3)]
    aws.index()
    assert aws.keys(ELSEWHERE, "splits/default/default/")
    assert sorted(searched()) == [f"{said} {n}" for n in (1, 2, 3)]

    there = aws.below(ELSEWHERE, f"runs/{run_id}/")
    assert {key.split("/")[2] for key in there} == {"logs"}, "what was on its way stayed"
    assert b"".join(map(readable, there.values())).count(said.encode()) == 3
    for key, content in aws.objects(aws.own, aws.keys(aws.own, "", since=begun)).items():
        assert said.encode() not in readable(content), key
    assert said.encode() not in aws.sent()
    assert said not in aws.everything_in_tables()

    report = api.get(f"/v1/runs/{run_id}/data")
    rows = {(row["kind"], row["bucket"]) for row in report["data"]}
    assert {("log", ELSEWHERE), ("log", aws.own)} <= rows
    assert ELSEWHERE in cadence("data", run_id).stdout


def previews(aws: Aws, run_id: str) -> list[bytes]:
    return [
        item["preview"]["B"]
        for table in ("runs", "runners")
        for page in aws.tables.get_paginator("scan").paginate(TableName=f"cadence-main-{table}")
        for item in page["Items"]
        if run_id in str(item) and "preview" in item
    ]


@pytest.mark.parametrize("pool", ["digests", "nothing"])
def test_what_only_passes_is_gone_once_all_that_read_it_have_ended(
    api: Api, aws: Aws, stack: Stack, cadence: Cadence, pools: None, pool: str, tmp_path: Path
) -> None:
    mark, size = marked()
    gate = tmp_path / "open"
    waiting = {
        "pools": ["nothing"],
        "after": ["use"],
        "run": f"until [ -e {gate} ]; do sleep 0.2; done",
    }
    run_id = api.start(document(pool, mark, wait=waiting))
    run = api.until(run_id, lambda run: states(run).get("wait") == "running")
    assert states(run)["use"] == "succeeded"
    digest = api.value(run_id, "make", "word")["sha256"]
    where = ELSEWHERE if pool == "digests" else aws.own
    # While the run goes on.
    aws.gone(where, f"runs/{run_id}/values/make/")
    assert api.run(run_id)["state"] == "running"
    gate.touch()
    ended(api, run_id)
    assert api.content(run_id, "use", "length") == f"{size}\n".encode()
    assert not aws.below(ELSEWHERE, f"runs/{run_id}/values/")

    reason = f"pool {pool} " + ("captures digests only" if pool == "digests" else "captures nothing of values")
    value = api.value(run_id, "make", "word")
    assert kept_in(value) == (ELSEWHERE if pool == "digests" else None, reason, None, None)
    assert value["size"] == len(f"word-{mark}\n")
    assert bool(value["sha256"]) == (pool == "digests")
    assert value["sha256"] == digest
    assert not [item for item in previews(aws, run_id) if f"-{mark}".encode() in item]

    content = f"/v1/runs/{run_id}/treatments/make/outputs/word"
    assert refused(api, 410, content) == f"make.word is not kept: {reason}."
    if digest:
        assert refused(api, 410, f"/v1/runs/{run_id}/values/{digest}") == f"make.word is not kept: {reason}."
    said = cadence("value", "show", run_id, "make.word", status=1).stderr
    assert f"make.word is not kept: {reason}." in said
    assert f"not kept: {reason}" in cadence("show", run_id, "make").stdout
    assert f"not kept: {reason}" in cadence("trace", run_id, "use.length").stdout

    why = refused(api, 410, f"/v1/runs/{run_id}/treatments/use/replay", "POST", json={})
    assert why.startswith("use cannot be replayed: what it read is not kept: make.") and why.endswith(f": {reason}.")
    # What made it can be replayed: of its digests if there are any.
    replay = api.call("POST", f"/v1/runs/{run_id}/treatments/make/replay", json={}).json()["run_id"]
    api.finished(replay)
    compared = api.get(f"/v1/runs/{replay}/comparison")
    assert compared["verdict"] == ("deterministic" if digest else "inconclusive")
    assert digest or reason in compared["first"]


def test_nothing_of_a_digest_stays_where_nothing_may(api: Api, aws: Aws, pools: None) -> None:
    mark, _ = marked()
    run_id = api.start(document("nothing", mark))
    ended(api, run_id)
    aws.gone(aws.own, f"runs/{run_id}/values/make/")
    digests = [hashlib.sha256(f"{port}-{mark}\n".encode()).hexdigest() for port in ("word", "line")]
    assert last_look(lambda: aws.in_tables(run_id, *digests), lambda left: not left, pause=0.2) == []


def test_a_rerun_makes_anew_what_is_not_kept(api: Api, pools: None) -> None:
    mark, _ = marked()
    wanted = document("digests", mark)
    wanted["treatments"]["use"]["run"] = 'cat "$CADENCE_IN_word" "$CADENCE_IN_lines" > /dev/null; exit 3'
    run_id = api.start(wanted)
    assert states(api.finished(run_id)) == {"make": "succeeded", "use": "failed"}
    again = api.call("POST", f"/v1/runs/{run_id}/rerun", json={"from": "failed"}).json()["run_id"]
    assert states(api.finished(again)) == {"make": "succeeded", "use": "failed"}
    assert api.get(f"/v1/runs/{again}/treatments/make")["kept_from"] is None


def test_a_pool_can_only_name_a_bucket_that_the_installation_has(api: Api, pools: None) -> None:
    body = {"provider": "host", "values": {"bucket": "somewhere-else"}}
    said = refused(api, 422, "/v1/pools/wrong", "PUT", json=body)
    assert said == (
        "This installation may not keep values in bucket somewhere-else. It was deployed with "
        f"{ELSEWHERE}. Deploy it with --context value_buckets=NAME=REGION,…"
    )
    body["values"] = {"bucket": ELSEWHERE, "region": "us-east-1"}
    said = refused(api, 422, "/v1/pools/wrong", "PUT", json=body)
    assert said == f"Bucket {ELSEWHERE} is in {REGION}, not in us-east-1."


def test_the_probe_of_a_pool_says_what_its_bucket_lacks(api: Api, aws: Aws, pools: None) -> None:
    """The stack's own CloudFormation leaves lifecycle rules out, so the bucket begins without."""
    rules: list[Any] = [
        {"ID": prefix, "Status": "Enabled", "Filter": {"Prefix": prefix}, "Expiration": {"Days": 7}}
        for prefix in ("runs/", "caches/", "splits/")
    ]

    def probed() -> dict[str, str | None]:
        assert api.call("POST", "/v1/pools/there/probe").status_code == 202
        probe = api.get("/v1/pools/there")["probe"]
        assert probe["passed"] == all(check["missing"] is None for check in probe["checks"])
        return {check["what"]: check["missing"] for check in probe["checks"]}

    ages = [
        f"what is below {kind}/ in bucket {ELSEWHERE} goes after {days} days"
        for kind, days in (("runs", 7), ("caches", 91), ("splits", 8))
    ]
    usable = {f"bucket {ELSEWHERE}": None, f"objects in bucket {ELSEWHERE}": None}
    assert probed() == usable | dict.fromkeys(ages, "nothing removes it")
    aws.s3.put_bucket_lifecycle_configuration(Bucket=ELSEWHERE, LifecycleConfiguration={"Rules": rules})
    assert probed() == usable | dict.fromkeys(ages)
    assert not aws.below(ELSEWHERE, "probe/")
