"""OpenSearch's own server, if it was built (`.ci/peers opensearch`)."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cadence.local.shared.ports import first_free
from tests.integration.exports.peers import BUILT, running

# A JVM on a busy machine takes its time.
_PATIENCE = 180
# It lives for a minute: thorough compilation and collectors with threads would cost more than they save.
_JVM = ("-Xms256m", "-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")


@contextmanager
def search_server(home: Path) -> Iterator[str]:
    """Its URL. Skips the test if it is not there."""
    folder = next(iter(sorted(BUILT.glob("opensearch-*/classes/SearchServer.class"))), None)
    if folder is None or shutil.which("java") is None:
        pytest.skip("OpenSearch is not here (.ci/peers opensearch builds it)")
    built = folder.parent.parent
    for name in ("config", "logs", "modules", "plugins"):
        (home / name).mkdir()

    def command(port: int) -> list[str]:
        classes = f"{built}/classes:{built}/lib/*"
        return ["java", *_JVM, "-cp", classes, "SearchServer", str(home), str(port), str(first_free())]

    with running(command, "/_cluster/health?wait_for_status=yellow", _PATIENCE) as peer:
        yield peer.url
