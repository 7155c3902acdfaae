"""What of a folder of packages commands can change, on a machine whose files are read-only."""

import json
import os
import subprocess
import sys
from pathlib import Path

from cadence.local.shared.paths import CHECKOUT
from tests.programs import bubblewrap, needs_bubblewrap

ASKED = (
    "import json, pathlib, sys; from runner_bootstrap.agent.melodium.stored_packages import changeable; "
    "print(json.dumps([str(changeable(pathlib.Path(each))) for each in sys.argv[1:]]))"
)


@needs_bubblewrap
def test_what_is_read_only_is_not_changeable_but_for_links(tmp_path: Path) -> None:
    for name in ("plain", "linked"):
        (tmp_path / name / "tools").mkdir(parents=True)
        (tmp_path / name / "tools" / "Compo.toml").touch()
    link = tmp_path / "linked" / "tools" / "more"
    link.symlink_to("/tmp")
    argv = [str(bubblewrap()), "--ro-bind", "/", "/", "--dev", "/dev", sys.executable, "-c", ASKED]
    folders = [str(tmp_path / name) for name in ("plain", "linked")]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run([*argv, *folders], capture_output=True, check=True, env=environment)
    assert json.loads(done.stdout) == ["None", str(link)]
