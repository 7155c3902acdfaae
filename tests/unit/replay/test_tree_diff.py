"""The files that differ between two trees."""

import io
import tarfile

from cadence.domain.replay.tree_diff import MOST_NAMES, first_place, is_tree, tree_diff

PLENTY = 1 << 20


def tree(files: dict[str, bytes], prefix: str = "", mode: int = 0o644) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as made:
        for name, content in files.items():
            member = tarfile.TarInfo(prefix + name)
            member.size, member.mode = len(content), mode
            made.addfile(member, io.BytesIO(content))
    return out.getvalue()


def test_files_are_named_in_any_order_of_the_members() -> None:
    then = tree({"a": b"1", "gone": b"", "src/main.py": b"one\ntwo\n", "same": b"x" * 70_000})
    now = tree({"same": b"x" * 70_000, "src/main.py": b"one\n2wo\n", "new": b"", "a": b"1"}, prefix="./")

    found = tree_diff([then], [now], PLENTY)
    assert (found.added, found.removed, found.changed) == (("new",), ("gone",), ("src/main.py",))
    assert found.counts == {"added": 1, "removed": 1, "changed": 1}
    assert found.whole
    place = first_place("src/main.py", [then], [now], PLENTY)
    assert place is not None and place.words() == "member src/main.py, line 2, column 1"


def test_another_mode_or_kind_is_a_change_without_a_place() -> None:
    then, now = tree({"run.sh": b"x"}), tree({"run.sh": b"x"}, mode=0o755)

    assert tree_diff([then], [now], PLENTY).changed == ("run.sh",)
    assert first_place("run.sh", [then], [now], PLENTY) is None


def test_many_names_are_counted_and_not_all_listed() -> None:
    now = tree({f"{number:04}": b"" for number in range(MOST_NAMES + 5)})

    found = tree_diff([tree({})], [now], PLENTY)
    assert len(found.added) == MOST_NAMES
    assert found.counts["added"] == MOST_NAMES + 5


def test_beyond_what_is_read_nothing_is_said_to_be_missing() -> None:
    then, now = tree({"a": b"1", "b": b"2"}), tree({"a": b"1", "b": b"2", "c": b"3"})

    for most in (1_024, 1_100, 1_536):  # after a member, within a header, after a header
        found = tree_diff([then], [now], most)
        assert (found.added, found.removed, found.changed, found.whole) == ((), (), (), False), most


def test_a_sparse_file_is_compared_by_its_size_only() -> None:
    member = tarfile.TarInfo("holes")
    member.type = tarfile.GNUTYPE_SPARSE
    header = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    header[483:495] = b"%011o\0" % (1 << 32)  # its size with the holes
    header[148:156] = b"%06o\0 " % sum(header[:148] + b" " * 8 + header[156:])
    content = bytes(header) + bytes(1_024)

    found = tree_diff([content], [tree({})], PLENTY)
    assert found.removed == ("holes",)


def test_what_is_a_tree() -> None:
    assert is_tree([tree({"a": b""})])
    assert not is_tree([b"text\n" * 200])
    assert not is_tree([b"short"])
