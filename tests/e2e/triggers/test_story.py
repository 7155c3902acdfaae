"""The way of a change: a branch changes code and pipeline, fails on the right lines, is tried, mended, and goes green.

docs/from-branch-to-green.md tells it with the same files.
"""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.doubles.github_repository import CODE, SECRET, GithubRepository
from tests.e2e.api import Api
from tests.git.repositories import Repository, served
from tests.unit.triggers.test_githosts import signature
from tests.waiting import last_look

pytestmark = pytest.mark.slow

PIPELINE = """\
cadence: 1
name: test
on:
  push: {branches: [main]}
  pull_request: {}
treatments:
  test:
    source: true
    secrets: {CLOCK: clock}
    reports: {junit: out/junit.xml}
    run: python3 run_tests.py
"""
LINT = """\
  lint:
    source: true
    run: "! grep TODO prices.py"
"""
PRICES = "def total(price, count):\n    return price * count\n"
DISCOUNT = "def total(price, count):\n    return price * count * (0.9 if count > 10 else 1)\n"
TESTS = """\
import os

import prices


def test_many_are_cheaper():
    assert prices.total(100, 10) == {ten}


def test_the_clock_is_right():
    assert os.environ["CLOCK"] == "right-on-time"
"""
# A test runner of a few lines, so that the story needs nothing but Python.
RUN_TESTS = """\
import os, sys, traceback
from xml.sax.saxutils import quoteattr
import test_prices

cases, failed = [], 0
for name, test in vars(test_prices).items():
    if not name.startswith("test_"):
        continue
    line, message = test.__code__.co_firstlineno, ""
    try:
        test()
    except AssertionError as error:
        failed += 1
        frame = traceback.extract_tb(error.__traceback__)[-1]
        line, message = frame.lineno, f"<failure message={quoteattr(frame.line)}/>"
    cases.append(f'<testcase classname="prices" name="{name}" file="test_prices.py" line="{line}">{message}</testcase>')
os.mkdir("out")
open("out/junit.xml", "w").write(f"<testsuites><testsuite name=\\"t\\">{''.join(cases)}</testsuite></testsuites>")
sys.exit(1 if failed else 0)
"""


class Story:
    """A repository on GitHub with an App, a work tree of it, and a pull request of the branch `discount`."""

    def __init__(self, api: Api, github: GithubRepository, tree: Repository) -> None:
        self.api, self.github, self.tree = api, github, tree
        self.project = f"p{uuid.uuid4().hex[:8]}"
        self._call("POST", "/v1/projects", {"name": self.project})
        self.clock("right-on-time")
        about = {"project": self.project, "origin": github.url, "public_url": api.url}
        made = self._call(
            "POST",
            "/v1/github-apps/manifest",
            {**about, "redirect_url": "http://127.0.0.1:1/callback", "account": "acme"},
        )
        github.webhook = {"url": made["manifest"]["hook_attributes"]["url"]}
        app = self._call("POST", "/v1/github-apps", {**about, "id": made["id"], "code": CODE})
        self.repository = self._call(
            "POST",
            "/v1/repositories",
            {"project": self.project, "url": f"{github.url}/acme/site", "kind": "github", "app": app["id"],
             "public_url": api.url},
        )["id"]  # fmt: skip

    def _call(self, method: str, path: str, body: dict[str, Any]) -> Any:
        answer = self.api.call(method, path, json=body)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def clock(self, value: str) -> None:
        """Sets what the clock of the machine says, on which one of the tests relies."""
        self._call("PUT", f"/v1/projects/{self.project}/secrets/clock", {"value": value})

    def send(self, event: str, payload: dict[str, Any]) -> None:
        """Sends a webhook as GitHub does."""
        about = {"id": 1, "full_name": "acme/site", "clone_url": self.github.clone_url, "default_branch": "main"}
        body = json.dumps(
            {"installation": {"id": 7}, "repository": about, "sender": {"login": "ada", "id": 1}, **payload}
        ).encode()
        headers = {"x-github-event": event, "x-github-delivery": uuid.uuid4().hex, "content-type": "application/json"}
        headers |= signature("github", body, SECRET.encode())
        assert requests.post(self.github.webhook["url"], data=body, headers=headers, timeout=60).status_code == 202

    def push_to_main(self, files: dict[str, str | None]) -> str:
        commit = self.tree.commit(files)
        self.github.branches["main"] = commit
        self.send("push", {"ref": "refs/heads/main", "before": "0" * 40, "after": commit})
        return commit

    def push(self, files: dict[str, str | None], action: str = "synchronize") -> str:
        """Pushes a commit to the branch of the pull request."""
        commit = self.tree.commit(files)
        about = {"id": 1, "full_name": "acme/site", "clone_url": self.github.clone_url}
        head = {"ref": "discount", "sha": commit, "repo": about}
        base = {"ref": "main", "sha": self.github.branches["main"], "repo": about}
        pull = {"title": "A discount", "user": {"login": "ada"}, "head": head, "base": base}
        self.send("pull_request", {"action": action, "number": 7, "pull_request": pull})
        return commit

    def check(self, commit: str, shown: Callable[[dict[str, Any]], bool] = lambda _: True) -> dict[str, Any]:
        """The newest check of a commit, once it is completed, and `shown` holds for it."""

        def newest() -> dict[str, Any]:
            of_commit = [one for one in list(self.github.checks.values()) if one["head_sha"] == commit]
            return of_commit[-1] if of_commit else {}

        found = last_look(newest, lambda one: bool(one.get("conclusion")) and shown(one), 300, pause=0.1)
        assert found.get("conclusion"), f"there is no completed check of {commit}: {found}"
        return found

    def tests(self, check: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self.api.get(f"/v1/runs/{check['external_id']}/tests")
        return found

    def try_locally(self, tree: Path) -> "subprocess.CompletedProcess[str]":
        """`cadence run` in the working tree."""
        environment = {
            **os.environ, "CADENCE_URL": self.api.url, "CADENCE_TOKEN": self.api.token, "CADENCE_PROJECT": self.project
        }  # fmt: skip
        program = str(Path(sys.executable).with_name("cadence"))
        return subprocess.run(
            [program, "run", ".cadence/test.yaml", "--follow"],
            cwd=tree, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip


def annotations(check: dict[str, Any]) -> list[tuple[str, int, str, str]]:
    return [
        (one["path"], one["start_line"], one["annotation_level"], one["title"])
        for one in check.get("kept_annotations", ())
    ]


def has_annotations(check: dict[str, Any]) -> bool:
    return bool(annotations(check))


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


@pytest.fixture
def story(api: Api, tmp_path: Path) -> Iterator[Story]:
    tree = Repository(tmp_path / "git" / "site")
    github = GithubRepository(writers={"ada"})
    with github.serving() as url, served(tmp_path / "git") as address:
        github.url, github.clone_url = url, f"{address}/site"
        yield Story(api, github, tree)


def test_a_change_fails_on_its_lines_is_tried_and_mended_and_a_flaky_test_is_named(story: Story) -> None:
    right = TESTS.format(ten=1000)
    first = story.push_to_main(
        {".cadence/test.yaml": PIPELINE, "prices.py": PRICES, "test_prices.py": right, "run_tests.py": RUN_TESTS,
         ".gitignore": "out/\n__pycache__/\n"}
    )  # fmt: skip
    assert story.check(first)["conclusion"] == "success"

    # The branch changes code and pipeline, and misspells a key of the pipeline: the finding is on its line.
    story.tree.git("checkout", "--quiet", "-b", "discount")
    misspelt = PIPELINE + LINT.replace("source: true", "sourcee: true")
    wrong = story.push({".cadence/test.yaml": misspelt, "prices.py": DISCOUNT}, action="opened")
    check = story.check(wrong)
    assert check["conclusion"] == "failure"
    assert (".cadence/test.yaml", line_of(misspelt, "sourcee"), "failure") in {
        found[:3] for found in annotations(check)
    }

    # The pipeline is right, the code is not what its new test expects: the annotation is on the line of the test.
    expected = TESTS.format(ten=900)
    failing = story.push({".cadence/test.yaml": PIPELINE + LINT, "test_prices.py": expected})
    check = story.check(failing, has_annotations)
    assert check["conclusion"] == "failure"
    assert annotations(check) == [("test_prices.py", line_of(expected, "== 900"), "failure", "New failure")]
    # The comment follows the check.
    (comment,) = last_look(
        lambda: list(story.github.comments.values()), lambda found: "cheaper" in found[0]["body"], 60, pause=0.1
    )
    assert "test_many_are_cheaper" in comment["body"]

    # The repair is tried as it is in the working tree, before it is committed.
    mended = DISCOUNT.replace("> 10", ">= 10")
    (story.tree.folder / "prices.py").write_text(mended)
    tried = story.try_locally(story.tree.folder)
    assert tried.returncode == 0, tried.stdout + tried.stderr
    assert story.tree.git("status", "--porcelain") == "M prices.py"

    # It is pushed, but a test that relies on the clock fails by chance. What failed is run again, and all is green.
    story.clock("a-bit-too-late")
    late = story.push({"prices.py": mended})
    check = story.check(late, has_annotations)
    (unlucky,) = annotations(check)
    assert unlucky[1:] == (line_of(expected, "right-on-time"), "failure", "New failure")
    story.clock("right-on-time")
    story.send(
        "check_run",
        {
            "action": "requested_action",
            "requested_action": {"identifier": check["actions"][0]["identifier"]},
            "check_run": {"head_sha": late, "external_id": check["external_id"]},
        },
    )
    green = story.check(late, lambda one: one["external_id"] != check["external_id"])
    assert green["conclusion"] == "success"
    rerun = story.api.run(green["external_id"])
    assert {one["name"]: one["kept_from"] for one in rerun["treatments"]} == {
        "test": None, "lint": check["external_id"]
    }  # fmt: skip
    (edited,) = last_look(
        lambda: list(story.github.comments.values()), lambda found: "cheaper" not in found[0]["body"], 60, pause=0.1
    )
    assert edited["id"] == comment["id"] and "test_many_are_cheaper" not in edited["body"]

    # The test has passed and failed on the same commit. When it fails the next time, it is named as flaky.
    story.clock("a-bit-too-late")
    unrelated = story.push({"README.md": "# Prices\n"})
    check = story.check(unrelated, has_annotations)
    assert annotations(check) == [
        ("test_prices.py", line_of(expected, "right-on-time"), "warning", "Flaky test")
    ]  # fmt: skip
    (case,) = story.tests(check)["items"]
    assert (case["name"], case["flaky"], case["new"]) == ("prices::test_the_clock_is_right", True, False)

    deliveries = story.api.get(f"/v1/repositories/{story.repository}/deliveries")["items"]
    assert [len(one["runs"]) for one in deliveries] == [1] * 6
