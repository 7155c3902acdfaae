import io
import shutil
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ministack.core import lambda_runtime

from cadence.local.ministack import shared_code
from cadence.local.ministack.shared_code import SharedCode


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SharedCode]:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(lambda_runtime, "zipfile", zipfile)
    shared = shared_code.install()
    yield shared
    shared.remove()


def archive(text: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as opened:
        opened.writestr("room/handler.py", text)
    return content.getvalue()


def unpacked(shared: SharedCode, folder: Path, content: bytes) -> Path:
    """Unpacks the code as MiniStack does for a new process, whose folder this is."""
    (folder / "code").mkdir(parents=True)
    (folder / "code.zip").write_bytes(content)
    with shared.open(str(folder / "code.zip")) as opened:
        opened.extractall(str(folder / "code"))
    return folder / "code" / "room" / "handler.py"


def test_processes_with_the_same_code_share_it_and_others_have_their_own(shared: SharedCode, tmp_path: Path) -> None:
    contents = [archive("one"), archive("one"), archive("other")]
    with ThreadPoolExecutor(3) as threads:
        first, second, third = threads.map(
            lambda number: unpacked(shared, tmp_path / str(number), contents[number]), range(3)
        )
    assert first.resolve() == second.resolve() != third.resolve()
    assert [file.read_text() for file in (first, second, third)] == ["one", "one", "other"]


def test_what_was_unpacked_outlives_a_process_and_is_removed_at_the_end(shared: SharedCode, tmp_path: Path) -> None:
    first, second = (unpacked(shared, tmp_path / name, archive("one")) for name in ("first", "second"))
    shutil.rmtree(tmp_path / "first")
    assert not first.exists()
    assert second.read_text() == "one"
    shared.remove()
    assert not shared.folder.exists()


def test_archives_of_layers_are_unpacked_as_ever(shared: SharedCode, tmp_path: Path) -> None:
    (tmp_path / "layer_0.zip").write_bytes(archive("layer"))
    with shared.open(str(tmp_path / "layer_0.zip")) as opened:
        opened.extractall(str(tmp_path / "layer_0"))
    assert not (tmp_path / "layer_0").is_symlink()
    assert (tmp_path / "layer_0" / "room" / "handler.py").read_text() == "layer"
    assert not list(shared.folder.iterdir())
