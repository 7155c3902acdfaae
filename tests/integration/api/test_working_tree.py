"""Runs of a document with `source: true` whose files are sent with the request."""

import base64
import hashlib
from pathlib import Path
from typing import Any

from cadence.adapters.s3.buckets import Buckets
from cadence.adapters.s3.chunks import S3Chunks
from cadence.cli.runs.working_tree import pack_working_tree
from cadence.domain.pipelines import plan
from cadence.domain.repositories.sent_tree import unpacked_tree
from tests.git.repositories import Repository
from tests.integration.api.calling import Answer, Api

PLANNED = "cadence: 1\nname: t\ntreatments: {t: {source: true, run: ls}}\n"
UNPLANNED = 'cadence: 1\nname: t\ntreatments: {t: {source: true, run: ls, env: {ID: "${{ run.id }}"}}}\n'


def start(api: Api, document: str, packed: bytes | None, **how: Any) -> Answer:
    body: dict[str, Any] = {"document": document}
    if packed is not None:
        body["source"] = base64.b64encode(packed).decode()
    return api("POST", "/v1/projects/default/runs", body, **how)


def test_the_sent_files_are_the_input_of_the_treatments(api: Api, tmp_path: Path) -> None:
    repository = Repository(tmp_path / "site")
    repository.commit({"a.py": "1"})
    (repository.folder / "b.py").write_text("not committed")
    packed = pack_working_tree(repository.folder).packed
    content = unpacked_tree(packed)

    for document in (PLANNED, UNPLANNED):
        started = start(api, document, packed)
        assert started.status == 201, started.text
        run = api.services.runs.get_run(started.json["run_id"])
        (spec,) = plan.decode(api.services.documents.get(run.plan_sha256))
        (given,) = [port.stored for port in spec.inputs if port.stored is not None]
        assert (given.sha256, given.size) == (hashlib.sha256(content).hexdigest(), len(content))
        keys = [f"{given.prefix}{number:012}" for number in range(given.chunks)]
        assert b"".join(S3Chunks(Buckets("data")).read_whole(keys)) == content


def test_without_files_the_document_is_refused_and_says_what_to_do(api: Api) -> None:
    refused = start(api, PLANNED, None)

    assert refused.status == 422 and "git working tree" in refused.text


def test_files_that_cannot_be_read_are_refused(api: Api) -> None:
    assert start(api, PLANNED, b"words").json["violations"][0]["pointer"] == "/source"
    body = {"document": PLANNED, "source": "no base64!"}
    assert api("POST", "/v1/projects/default/runs", body).json["violations"][0]["pointer"] == "/source"
    assert start(api, PLANNED, b"0" * 3_700_000).status == 413
    # Files that no treatment asks for are not kept.
    assert start(api, "cadence: 1\nname: t\ntreatments: {t: {run: ls}}\n", b"words").status == 201


def test_a_key_means_the_same_files(api: Api, tmp_path: Path) -> None:
    repository = Repository(tmp_path / "site")
    repository.commit({"a.py": "1"})
    first = pack_working_tree(repository.folder).packed
    (repository.folder / "a.py").write_text("2")
    second = pack_working_tree(repository.folder).packed
    headers = {"idempotency-key": "k1"}

    one = start(api, PLANNED, first, headers=headers)
    assert start(api, PLANNED, first, headers=headers).json == one.json
    assert start(api, PLANNED, second, headers=headers).status == 409
