"""Every relative link of the documentation leads to a file of the repository, and to an anchor that exists there."""

import re
from pathlib import Path

import pytest

from tests.unit.docs.pages import DOCS, GENERATED, PAGES, ROOT, anchors, lines_and_blocks, links, name

# Paths in the text, in code spans, that must exist; `cadence/…` is below functions/.
_PATH = re.compile(
    r"`((?:\.ci|bench|cadence|docs|examples|functions|infra|runner_bootstrap|schemas|tests|website)/[\w./-]*[\w/])`"
)

# Made by `make bench`, and by the site.
_MADE_LATER = {"bench/results/"}
_OF_THE_SITE = {"api/index.md"}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for number, link in links(page):
        target, _, anchor = link.partition("#")
        if target in _OF_THE_SITE:
            continue
        file = page if not target else (page.parent / target).resolve()
        if not file.exists() or not file.is_relative_to(ROOT):
            broken.append(f"line {number}: {link}: no such file")
        elif anchor and file.suffix == ".md" and anchor not in anchors(file):
            broken.append(f"line {number}: {link}: no such heading")
    assert broken == []


# They name files of Mélodium's own repository.
_ELSEWHERE = {DOCS / "melodium-contract.md", DOCS / "melodium-engines.md"}


@pytest.mark.parametrize("page", [page for page in PAGES if page not in GENERATED | _ELSEWHERE], ids=name)
def test_files_that_are_named_exist(page: Path) -> None:
    missing = [
        f"line {number}: {path}"
        for number, line in lines_and_blocks(page)[0]
        for path in _PATH.findall(line)
        if not any((ROOT / folder / path).exists() for folder in ("", "functions")) and path not in _MADE_LATER
    ]
    assert missing == []


def test_every_page_is_in_the_navigation() -> None:
    """mkdocs.yml is read as text: its tags name Python objects of the site's own environment."""
    listed = re.findall(r"([\w./-]+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    pages = [page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")]

    assert sorted(listed) == sorted([*pages, *_OF_THE_SITE])


_TEST = re.compile(r"`((?:unit|integration|infrastructure|e2e)/[\w/]+\.py)(?:::(\w+))?`")


def test_tests_that_the_security_review_names_exist() -> None:
    named = _TEST.findall((DOCS / "security-review.md").read_text(encoding="utf-8"))
    assert len(named) > 80
    missing = [
        f"{file}::{test}"
        for file, test in named
        if not (path := ROOT / "tests" / file).exists()
        or (test and not re.search(rf"^def {test}\(", path.read_text(encoding="utf-8"), re.MULTILINE))
    ]
    assert missing == []
