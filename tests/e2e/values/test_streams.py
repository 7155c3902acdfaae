"""A stream between two runners: whole, live, in bounded memory."""

import pytest

from tests.e2e.api import Api

pytestmark = pytest.mark.slow

SIZE = 1 << 28

PRODUCER = f"""
python3 - <<'END'
import hashlib, os, random
digest = hashlib.sha256()
block = random.Random(1).randbytes(1 << 20)
with open(os.environ["CADENCE_OUT_data"], "wb", buffering=0) as out:
    for number in range({SIZE >> 20}):
        piece = number.to_bytes(8, "big") + block[8:]
        digest.update(piece)
        out.write(piece)
print("sent", digest.hexdigest())
END
"""
CONSUMER = """
python3 - <<'END'
import hashlib, os
digest, size = hashlib.sha256(), 0
with open(os.environ["CADENCE_IN_data"], "rb", buffering=0) as data:
    while piece := data.read(1 << 20):
        digest.update(piece)
        size += len(piece)
print("received", digest.hexdigest(), size)
END
"""


def test_256_mebibytes_arrive_unchanged_in_bounded_memory(api: Api) -> None:
    run_id = api.start(
        {
            "cadence": 1,
            "name": "stream",
            "treatments": {
                "send": {"run": PRODUCER, "outputs": {"data": "Stream<byte>"}},
                "receive": {"run": CONSUMER, "inputs": {"data": "Stream<byte>"}},
            },
            "connections": ["send.data -> receive.data"],
        }
    )
    run = api.finished(run_id, within=300)

    assert run["state"] == "succeeded", run["cause"]
    printed = {line["treatment"]: line["text"].split() for line in api.lines(run_id) if line["stream"] == "stdout"}
    assert printed["receive"][1:] == [printed["send"][1], str(SIZE)]
    assert api.value(run_id, "send", "data")["sha256"] == printed["send"][1]
    assert api.value(run_id, "send", "data")["size"] == SIZE
    for treatment in ("send", "receive"):
        usage = api.get(f"/v1/runs/{run_id}/treatments/{treatment}")["usage"]
        assert usage["memory_peak"] < SIZE // 2, f"{treatment}: {usage}"


def test_the_consumer_reads_before_the_producer_ends(api: Api) -> None:
    """The producer ends only after the consumer has read: possible only if both run at the same time."""
    run_id = api.start(
        {
            "cadence": 1,
            "name": "live",
            "treatments": {
                "send": {
                    "run": 'exec 3> "$CADENCE_OUT_lines"; echo first >&3; sleep 6; date +%s.%N; echo last >&3',
                    "outputs": {"lines": "Stream<string>"},
                },
                "receive": {
                    "run": 'while read -r line; do echo "$(date +%s.%N) $line"; done < "$CADENCE_IN_lines"',
                    "inputs": {"lines": "Stream<string>"},
                },
            },
            "connections": ["send.lines -> receive.lines"],
        }
    )
    run = api.finished(run_id)

    assert run["state"] == "succeeded", run["cause"]
    texts = {name: [line["text"] for line in api.lines(run_id, treatment=name)] for name in ("send", "receive")}
    assert [text.split()[1] for text in texts["receive"]] == ["first", "last"]
    assert float(texts["receive"][0].split()[0]) < float(texts["send"][0])
