"""Answers about a run that has ended, through the front door: compressed, and kept by clients until they differ."""

import gzip
import json
import uuid

import pytest
import requests

from tests.e2e.api import Api

pytestmark = pytest.mark.slow

_LINES = 300


def test_answers_about_an_ended_run_are_compressed_and_not_sent_again(api: Api) -> None:
    word = uuid.uuid4().hex
    command = f"for n in $(seq 1 {_LINES}); do echo {word} $n; done; echo {word} > $CADENCE_OUT_word"
    talk = {"run": command, "outputs": {"word": "Block<string>"}}
    run_id = api.start({"cadence": 1, "name": "kept", "treatments": {"talk": talk}})
    assert api.finished(run_id)["state"] == "succeeded"
    lines = api.lines(run_id, _LINES, treatment="talk", grep=word)
    assert [line["text"] for line in lines] == [f"{word} {n}" for n in range(1, _LINES + 1)]

    def asked(path: str, **headers: str) -> requests.Response:
        sent = {"authorization": f"Bearer {api.token}", **headers}
        return requests.get(f"{api.url}/v1/runs/{run_id}{path}", headers=sent, timeout=60, stream=True)

    for path in ("", "/graph", "/logs", "/values", "/treatments/talk"):
        plain = asked(path, **{"accept-encoding": "identity"})
        body, tag = plain.raw.read(decode_content=False), plain.headers["etag"]
        assert (plain.status_code, plain.headers.get("content-encoding")) == (200, None), path
        assert plain.headers["cache-control"] == "private, no-cache"

        packed = asked(path, **{"accept-encoding": "gzip"})
        raw = packed.raw.read(decode_content=False)
        if len(body) >= 1_000:
            assert packed.headers["content-encoding"] == "gzip", path
            assert len(raw) < len(body) and gzip.decompress(raw) == body, path
        assert (packed.headers["etag"], packed.headers["vary"]) == (tag, "accept-encoding")

        again = asked(path, **{"if-none-match": tag, "accept-encoding": "gzip"})
        assert (again.status_code, again.content) == (304, b""), path
        assert again.headers["etag"] == tag
        # Whoever has the tag without a right to the run gets nothing.
        assert asked(path, **{"if-none-match": tag, "authorization": "Bearer nonsense"}).status_code == 401
    logs = asked("/logs", **{"accept-encoding": "gzip"})
    assert len(json.loads(logs.content)["lines"]) >= _LINES
    assert int(logs.headers["content-length"]) < 20_000


def test_answers_about_a_run_that_goes_on_are_not_kept(api: Api) -> None:
    run_id = api.start({"cadence": 1, "name": "waits", "treatments": {"wait": {"run": "sleep 600"}}})
    try:
        for path in ("", "/graph", "/logs", "/values", "/treatments/wait"):
            answer = api.call("GET", f"/v1/runs/{run_id}{path}")
            assert (answer.headers["cache-control"], answer.headers.get("etag")) == ("no-store", None), path
    finally:
        api.call("POST", f"/v1/runs/{run_id}/cancel")
