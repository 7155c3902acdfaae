"""The pictures of the dashboard: what they are taken of, and those that the docs show."""

import re

import pytest

from bench.dashboard.pictures import pages
from bench.dashboard.showcase.filling import Shown
from bench.figures import ROOT
from cadence.domain.pipelines.document import validate

SHOWCASE = ROOT / "bench" / "dashboard" / "showcase"
PICTURES = ROOT / "docs" / "assets" / "dashboard"
SHOWN = Shown(
    failed="f",
    moment="2026-11-30T05:11:23Z",
    passed="p",
    replay="r",
    catalogue="c",
    site="s",
    darker_site="d",
    letter="l",
)
NAMES = {f"{name}{theme}.webp" for name in pages(SHOWN, "g") for theme in ("", "-dark")}
MOST_BYTES = 150_000
MOST_BYTES_OF_ALL = 3_000_000


@pytest.mark.parametrize("name", ["catalogue", "orders", "release", "site"])
def test_its_pipelines_are_valid(name: str) -> None:
    assert validate((SHOWCASE / f"{name}.yaml").read_text(encoding="utf-8")).findings == ()


def test_each_part_of_the_administration_has_a_picture() -> None:
    routes = (ROOT / "dashboard" / "src" / "routes.ts").read_text(encoding="utf-8")
    block = re.search(r"const ADMIN = \{(.*?)\}", routes, re.DOTALL)
    assert block is not None
    parts = set(re.findall(r'^\s*"?([a-z-]+)"?:', block[1], re.MULTILINE))

    assert {f"admin-{part}" for part in parts} <= set(pages(SHOWN, "g"))


def test_the_docs_show_each_page_in_both_themes() -> None:
    shown = set(re.findall(r"assets/dashboard/([\w-]+\.webp)", (ROOT / "docs" / "dashboard-pictures.md").read_text()))

    assert shown == NAMES == {path.name for path in PICTURES.iterdir()}


def test_pictures_are_small() -> None:
    sizes = {path.name: path.stat().st_size for path in PICTURES.iterdir()}

    assert {name: size for name, size in sizes.items() if size >= MOST_BYTES} == {}
    assert sum(sizes.values()) < MOST_BYTES_OF_ALL
