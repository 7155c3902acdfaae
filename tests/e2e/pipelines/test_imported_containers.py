"""Files of Bitbucket Pipelines and Woodpecker, whose steps have images: imported, started by a push, run by podman.

They are short forms of files from public repositories; docs/importing.md names what such files use most.
"""

import base64
import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from cadence.cli.runs.working_tree import pack_working_tree
from cadence.importing import SourceFormat, convert
from tests.doubles.code_host import TOKEN, CodeHostDouble, code_host
from tests.e2e.api import Api, states
from tests.e2e.conftest import serving
from tests.git.repositories import Repository, served
from tests.integration.agent.podman import content, podman, working
from tests.unit.triggers.test_githosts import signature
from tests.waiting import eventually

pytestmark = [pytest.mark.podman, pytest.mark.slow]

TOOLS = ("base64", "cut", "grep", "tar", "tr")
DATABASE = ["/bin/sh", "-c", "while :; do echo stored | nc -l -p 5432; done"]
TEST = """
for attempt in 1 2 3 4 5 6 7 8 9; do got=$(nc "$1" "$2" < /dev/null) && break; sleep 0.3; done
echo "the database has $got"
"""
BITBUCKET = """
image: IMAGE

definitions:
  services:
    store: {image: IMAGE, variables: {STORE_NAME: scores}}
  steps:
    - step: &keys
        name: Create keys
        script:
          - mkdir -p keys/signing
          - echo "key of $BITBUCKET_BRANCH" | base64 > keys/signing/release.key
          - echo NAME=site > .env
        artifacts: [keys/**, .env]

pipelines:
  default:
    - step: {name: Only elsewhere, script: [exit 3]}
  branches:
    "{main,release/*}":
      - step: *keys
      - parallel:
          - step:
              name: Run code analysis
              script:
                - MODE=strict
                - export REPORT=analysis-$BITBUCKET_PARALLEL_STEP.txt
                - mkdir -p reports
                - echo "$MODE $(base64 -d < keys/signing/release.key)" > "reports/$REPORT"
              artifacts: [reports/*.txt]
          - step:
              name: Run unit tests
              services: [store]
              script:
                - test "$CI" = true
                - . ./.env
                - sh test.sh store 5432
                - echo "$NAME is good"
              after-script:
                - echo "tests ended with $BITBUCKET_EXIT_CODE"
      - step:
          name: Publish
          max-time: 10
          script:
            - cat reports/analysis-0.txt
            - echo "published ${BITBUCKET_REPO_SLUG} at $(echo "$BITBUCKET_COMMIT" | cut -c1-7)"
  custom:
    promote:
      - variables:
          - {name: TRACK, default: internal, allowed-values: [internal, production]}
      - step:
          script: ['echo "promoted to $TRACK"']
"""
OTHER_IMAGES = """
variables:
  - &tools IMAGE

pipeline:
  check_schema:
    image: *tools
    environment:
      DATABASE_HOST: database
    commands:
      - sh test.sh $DATABASE_HOST 5432 > current.schema
      - grep -q stored current.schema
  build:
    image: *tools
    commands:
      - mkdir -p target
      - echo "server of ${CI_COMMIT_BRANCH} ${CI_COMMIT_SHA:0:8}" > target/server
  federation:
    image: OTHER
    environment: [MODE=federation, GREETING=hello]
    commands:
      - cat target/server current.schema
      - echo "$MODE $GREETING $${MODE}"
  release:
    image: *tools
    commands: [exit 4]
    when: {event: tag}
  publish_image:
    image: woodpeckerci/plugin-docker-buildx
    settings: {repo: acme/server}
    when: {event: [cron]}
  tell:
    image: OTHER
    commands: ["echo told about ${CI_COMMIT_SHA}"]
    when: {status: [failure]}

services:
  database:
    image: IMAGE
    environment: {POSTGRES_USER: scores}
"""
MATRIX = """
when:
  - event: pull_request
  - event: push
    branch: [main]

matrix:
  TOOLS: [IMAGE, OTHER]

steps:
  - name: test
    image: ${TOOLS}
    environment: {TERM_COLOR: always}
    depends_on: [build]
    commands:
      - echo "$TERM_COLOR $(tr a-z A-Z < built) for ${TOOLS}"
  - name: build
    image: ${TOOLS}
    commands: [tar -cf - source | tar -xOf - > built]
  - name: lint
    image: ${TOOLS}
    failure: ignore
    commands: [exit 2]
  - name: docs
    image: ${TOOLS}
    commands: [exit 5]
    when: [{path: "docs/**"}]
  - name: clean
    image: ${TOOLS}
    commands: ['echo "cleaned in any case"']
    when: [{status: [success, failure]}]
"""
FILES = {
    "bitbucket": (BITBUCKET, SourceFormat.BITBUCKET),
    "other-images": (OTHER_IMAGES, SourceFormat.WOODPECKER),
    "matrix": (MATRIX, SourceFormat.WOODPECKER),
}


class Hub:
    """A connected repository that has the imported files as its pipelines."""

    def __init__(self, api: Api, host: CodeHostDouble, tree: Repository, images: dict[str, str]) -> None:
        self.api, self.images, self.tree, self._host = api, images, tree, host
        files: dict[str, str | None] = {}
        for name, (text, kind) in FILES.items():
            for stands_for, image in images.items():
                text = text.replace(stands_for, image)
            files[f".cadence/{name}.yaml"] = convert(text, kind, name=name).document
        self._newest = tree.commit(files)
        project = f"p{uuid.uuid4().hex[:8]}"
        assert api.call("POST", "/v1/projects", json={"name": project}).status_code == 201
        url = f"{host.url}/acme/site"
        body = {"project": project, "kind": "gitea", "url": url, "token": TOKEN, "public_url": api.url}
        connected = api.call("POST", "/v1/repositories", json=body)
        assert connected.status_code == 201, connected.text

    def push(self, files: dict[str, str | None]) -> tuple[str, dict[str, dict[str, Any]]]:
        """Pushes a commit to `main`; returns it, and the runs that it started, by pipeline, once they have ended."""
        before, commit = self._newest, self.tree.commit(files)
        self._newest = commit
        (hook,) = self._host.hooks.values()
        payload = {
            "ref": "refs/heads/main",
            "before": before,
            "after": commit,
            "repository": {"full_name": "acme/site", "clone_url": self._host.clone_urls["acme/site"]},
            "head_commit": {"message": "A change", "author": {"name": "Ada"}},
        }
        body = json.dumps(payload).encode()
        headers = {
            "content-type": "application/json",
            "x-gitea-event": "push",
            "x-gitea-delivery": uuid.uuid4().hex,
            **signature("gitea", body, hook["config"]["secret"].encode()),
        }
        assert requests.post(hook["config"]["url"], data=body, headers=headers, timeout=60).status_code == 202

        def started() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = self.api.get("/v1/runs", commit=commit)["items"]
            return found if len(found) == len(FILES) else []

        runs = eventually(started, what="not each pipeline was started")
        return commit, {run["pipeline"]: self.api.finished(run["run_id"]) for run in runs}

    def texts(self, run: dict[str, Any], treatment: str, expected: int = 1) -> list[str]:
        lines = self.api.lines(run["run_id"], expected, treatment=treatment)
        return [line["text"] for line in lines if line["stream"] in ("stdout", "stderr")]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    with working() as arguments, pytest.MonkeyPatch.context() as patch:
        own_network = [each for each in arguments if "host" not in each]
        if not own_network:
            pytest.skip("services need containers with a network of their own, which there are none of here")
        name = f"localhost/cadence-imported-test-{uuid.uuid4().hex[:8]}"
        images = {"IMAGE": f"{name}:tools", "OTHER": f"{name}:other"}
        for image in images.values():
            made = podman("import", "--change", f"CMD {json.dumps(DATABASE)}", "-", image, stdin=_tools())
            assert made.returncode == 0, made.stderr.decode()
        patch.setenv("CADENCE_PODMAN_ARGS", own_network[0])
        folder = tmp_path_factory.mktemp("imported")
        try:
            with code_host() as host, served(folder / "git") as address, serving(folder / "stack") as stack:
                host.add("acme/site", f"{address}/site")
                yield Hub(Api(stack.url, stack.token), host, Repository(folder / "git" / "site"), images)
        finally:
            podman("image", "rm", "--force", *images.values())


def _tools() -> bytes:
    """Returns an image that has some more of busybox's commands than the smallest one."""
    return content(**{name: f'#!/bin/sh\nexec /bin/busybox {name} "$@"\n' for name in TOOLS})


def test_a_push_runs_imported_files_and_they_do_what_they_did_elsewhere(hub: Hub) -> None:
    commit, runs = hub.push({"test.sh": TEST, "source": "compiled\n"})

    of_bitbucket = runs["bitbucket"]
    assert of_bitbucket["state"] == "succeeded", hub.texts(of_bitbucket, "run-unit-tests")
    assert states(of_bitbucket) == {
        "only-elsewhere": "skipped", "create-keys": "succeeded", "run-code-analysis": "succeeded",
        "run-unit-tests": "succeeded", "publish": "succeeded", "step": "skipped",
    }  # fmt: skip
    assert hub.texts(of_bitbucket, "run-unit-tests", 3) == [
        "the database has stored", "site is good", "tests ended with 0"
    ]  # fmt: skip
    assert hub.texts(of_bitbucket, "publish", 2) == ["strict key of main", f"published site at {commit[:7]}"]

    of_images = runs["other-images"]
    assert of_images["state"] == "succeeded", of_images["cause"]
    assert states(of_images) == {
        "check_schema": "succeeded", "federation": "succeeded", "release": "succeeded", "tell": "skipped"
    }  # fmt: skip
    assert hub.texts(of_images, "federation", 3) == [
        f"server of main {commit[:8]}", "the database has stored", "federation hello federation"
    ]  # fmt: skip

    of_matrix = runs["matrix"]
    assert of_matrix["state"] == "succeeded", of_matrix["cause"]
    instances = sorted(name for name in states(of_matrix) if ":" in name)
    assert len(instances) == len(hub.images)
    printed = [hub.texts(of_matrix, instance, 2) for instance in instances]
    assert sorted(printed) == sorted(
        ["cleaned in any case", f"always COMPILED for {image}"] for image in hub.images.values()
    )
    steps = hub.api.get(f"/v1/runs/{of_matrix['run_id']}/treatments/{instances[0]}")["steps"]
    assert {step["name"]: step["state"] for step in steps} == {
        "build": "succeeded", "lint": "failed", "docs": "skipped", "clean": "succeeded", "test": "succeeded"
    }  # fmt: skip


def test_a_failure_stops_imported_files_where_it_did_elsewhere(hub: Hub) -> None:
    commit, runs = hub.push({"test.sh": "echo broken\nexit 7\n", "docs/page.md": "x", "source": "compiled\n"})

    of_bitbucket = runs["bitbucket"]
    assert of_bitbucket["state"] == "failed"
    ended = states(of_bitbucket)
    assert (ended["run-unit-tests"], ended["run-code-analysis"], ended["publish"]) == ("failed", "succeeded", "skipped")
    assert hub.texts(of_bitbucket, "run-unit-tests", 2) == ["broken", "tests ended with 7"]

    of_images = runs["other-images"]
    assert (of_images["state"], states(of_images)["tell"]) == ("failed", "succeeded")
    assert hub.texts(of_images, "tell") == [f"told about {commit}"]

    of_matrix = runs["matrix"]
    assert of_matrix["state"] == "failed"
    for instance in (name for name in states(of_matrix) if ":" in name):
        assert hub.texts(of_matrix, instance) == ["cleaned in any case"]


def test_a_custom_pipeline_of_bitbucket_runs_alone_when_it_is_chosen(hub: Hub) -> None:
    started = hub.api.call(
        "POST",
        "/v1/projects/default/runs",
        json={
            "document": (hub.tree.folder / ".cadence" / "bitbucket.yaml").read_text(),
            "source": base64.b64encode(pack_working_tree(hub.tree.folder).packed).decode(),
            "parameters": {"pipeline": "promote", "track": "production"},
        },
    )
    assert started.status_code == 201, started.text
    run = hub.api.finished(started.json()["run_id"])

    assert run["state"] == "succeeded", run["cause"]
    assert [name for name, state in states(run).items() if state == "succeeded"] == ["step"]
    assert hub.texts(run, "step") == ["promoted to production"]
