"""`cadence show`: a source tree, of which no beginning is stored, is not shown as empty."""

from pathlib import Path

from tests.git.repositories import Repository
from tests.integration.api.calling import Api
from tests.integration.api.test_cli import cadence, server
from tests.integration.api.test_working_tree import PLANNED

__all__ = ["cadence", "server"]


def test_a_source_tree_is_named_with_the_command_that_lists_it(api: Api, cadence, tmp_path: Path) -> None:
    repository = Repository(tmp_path / "site")
    repository.commit({"a.py": "1", "site.yaml": PLANNED})
    started = cadence("run", str(repository.folder / "site.yaml"))
    assert started.exit_code == 0, started.output
    run_id = started.stdout.strip().splitlines()[-1]

    shown = cadence("show", run_id, "t").stdout
    assert f"    a tree of files: cadence value show {run_id} t.source-tree --input\n" in shown
    assert "(empty)" not in shown
    listed = cadence("value", "show", run_id, "t.source-tree", "--input")
    assert listed.exit_code == 0 and "a.py" in listed.stdout
