"""The built page: once for the same sources, and a reason in its place where it cannot be built."""

from pathlib import Path

import pytest

from infra import dashboard_page
from infra.dashboard_page import PageNotBuilt, page


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboard_page, "CACHE", tmp_path)


def test_a_page_is_built_once(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[Path] = []

    def build(target: Path) -> None:
        built.append(target)
        (target / "index.html").write_text("page")

    monkeypatch.setattr(dashboard_page, "_build", build)

    assert page() == page(retry=True)
    assert (page() / "index.html").read_text() == "page"
    assert len(built) == 1


def test_a_page_that_cannot_be_built_leaves_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts: list[Path] = []

    def fail(target: Path) -> None:
        attempts.append(target)
        raise PageNotBuilt("npm: no network")

    monkeypatch.setattr(dashboard_page, "_build", fail)

    assert (page() / "missing.txt").read_text() == "npm: no network\n"
    page()
    page(retry=True)
    assert len(attempts) == 1, "what failed is tried again only at a start, and not at every one"
    monkeypatch.setattr(dashboard_page, "_RETRY_SECONDS", -1)
    page()
    assert len(attempts) == 1
    page(retry=True)
    assert len(attempts) == 2

    monkeypatch.setattr(dashboard_page, "_build", lambda target: (target / "index.html").write_text("page"))
    assert (page(retry=True) / "index.html").is_file()
    assert (page() / "index.html").is_file()


def test_a_program_that_fails_says_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(PageNotBuilt, match="no such thing"):
        dashboard_page._run(["sh", "-c", "echo no such thing >&2; exit 1"], tmp_path)
    with pytest.raises(PageNotBuilt, match="not-a-program"):
        dashboard_page._run(["/not-a-program"], tmp_path)
