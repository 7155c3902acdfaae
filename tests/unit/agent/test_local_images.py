"""Images whose names say that no registry has them: present, or the treatment fails."""

from pathlib import Path

import pytest

from runner_bootstrap.agent.containers.container_engine import ContainerEngine
from runner_bootstrap.agent.shared.errors import TreatmentFailed


def engine(folder: Path, has: str, working: bool = True) -> ContainerEngine:
    """An engine that has one image, or that answers nothing."""
    program = folder / "podman"
    program.write_text(
        "#!/bin/sh\n"
        f"{'' if working else 'exit 125'}\n"
        'case "$1 $2" in\n'
        f"'image inspect') [ \"$3\" = {has} ] ;;\n"
        "'image ls') exit 0 ;;\n"
        "*) exit 125 ;;\n"
        "esac\n"
    )
    program.chmod(0o755)
    return ContainerEngine(str(program), "01r")


def test_a_local_image_that_is_missing_fails_the_treatment(tmp_path: Path) -> None:
    podman = engine(tmp_path, "localhost/built:1")

    podman.require_local("localhost/built:1")
    with pytest.raises(TreatmentFailed, match=r"the image localhost/other:1 is not on this machine.* with podman"):
        podman.require_local("localhost/other:1")


def test_other_images_and_engines_that_do_not_work_are_left_to_the_pull(tmp_path: Path) -> None:
    podman = engine(tmp_path, "none", working=False)

    for image in ("python:3.13", "localhost:5000/app:1", "localhost/built:1"):
        podman.require_local(image)
