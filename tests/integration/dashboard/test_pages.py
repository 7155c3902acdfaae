"""The dashboard's pages in a real browser; the tests themselves are in `dashboard/tests/pages`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infra.dashboard_page import SOURCES, page
from tests.programs import own_network

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
NODE = Path(sys.executable).with_name("node")
VITEST = SOURCES / "node_modules" / "vitest" / "vitest.mjs"


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (apt-get install chromium)")
@pytest.mark.skipif(not VITEST.is_file(), reason="the dashboard's tools are not installed (make check installs them)")
def test_the_pages_in_a_browser() -> None:
    built = page(retry=True)
    if not (built / "index.html").is_file():
        pytest.skip(f"the page could not be built: {(built / 'missing.txt').read_text()}")
    environment = os.environ | {"CHROMIUM": str(CHROMIUM), "DASHBOARD_PAGE": str(built), "NO_COLOR": "1"}
    done = subprocess.run(
        [*own_network(), str(NODE), str(VITEST), "run", "tests/pages", "--no-file-parallelism", "--no-isolate"],
        cwd=SOURCES,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=1_200,
    )
    assert done.returncode == 0, f"{done.stdout[-8_000:]}\n{done.stderr[-4_000:]}"
