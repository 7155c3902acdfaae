"""No kind of item can be forgotten when a project is deleted: code, documentation and the list of kinds agree."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from cadence.adapters.dynamodb.deletion.kinds import KINDS, Found, counted_as, fixed_part, partitions

REPOSITORY = Path(__file__).resolve().parents[3]
TABLES = REPOSITORY / "functions" / "cadence" / "adapters" / "dynamodb"
STORAGE = REPOSITORY / "docs" / "architecture" / "storage.md"
_CODE = re.compile(r"`([^`]+)`")
_HEAD = re.compile(r"([A-Z_]{3,})#")
# The first parts of sort keys of runs' listings, cursors and scopes, which are no items of their own.
_NO_ITEMS = {"GROUP", "RUNS", "RUNNERS"}
# In a cell of keys, and no key: caches in another bucket have its name at the end of their partition's.
_NO_KEYS = {"#{bucket}"}


def documented() -> dict[str, tuple[set[str], set[str]]]:
    """Returns the partition keys and the sort keys of each table, as storage.md lists them."""
    found: dict[str, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    table = ""
    for line in STORAGE.read_text(encoding="utf-8").splitlines():
        if heading := re.match(r"### `(\w+)`", line):
            table = heading[1]
        elif line.startswith("## "):
            table = ""
        elif (table and line.startswith("| `")) or (table and line.startswith("| index")):
            _, pk, sk, *_ = (cell.strip() for cell in line.split("|"))
            if pk.startswith("index"):
                continue
            found[table][0].update(_CODE.findall(pk))
            found[table][1].update(_CODE.findall(sk))
    return found


@pytest.mark.parametrize("table", sorted({kind.table for kind in KINDS}))
def test_the_documentation_lists_the_same_keys(table: str) -> None:
    pks, sks = documented()[table]
    kinds = [kind for kind in KINDS if kind.table == table]
    assert pks - _NO_KEYS == {kind.pk for kind in kinds}, "docs/architecture/storage.md and deletion/kinds.py differ"
    assert {key for key in sks if fixed_part(key)} == {kind.sk for kind in kinds if kind.prefix}


def test_every_table_is_in_both() -> None:
    assert set(documented()) == {kind.table for kind in KINDS}


def written_heads() -> Iterator[tuple[str, str]]:
    """Returns the first parts of keys (`SECRET` of `SECRET#name`) in the code of the tables, with their files."""
    for path in sorted(TABLES.rglob("*.py")):
        if path.parent.name == "deletion":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and (head := _HEAD.match(node.value)):
                yield head[1], path.relative_to(TABLES).as_posix()


def test_no_key_in_the_code_of_the_tables_is_missing() -> None:
    known = {head[1] for kind in KINDS for key in (kind.pk, kind.sk) if (head := _HEAD.match(key))}
    missing = {head: path for head, path in written_heads() if head not in known | _NO_ITEMS}
    assert missing == {}, "a new kind of item: add it to deletion/kinds.py and docs/architecture/storage.md"


def test_sort_keys_without_a_number_sign_are_known_too() -> None:
    """Items such as `ENGINE` state their whole sort key as `SK`."""
    known = {kind.sk for kind in KINDS} | {kind.pk for kind in KINDS}
    stated = set()
    for path in sorted(TABLES.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id in {"SK", "PK"}:
                assert isinstance(node.value, ast.Constant)
                stated.add(node.value.value)
    assert stated - known == set()


def test_partitions_of_a_project_name_nothing_else() -> None:
    for _, template in partitions(Found.BY_PROJECT):
        assert re.findall(r"{(\w+)}", template) == ["org", "project"]
    for _, template in partitions(Found.BY_RUN):
        assert template == "RUN#{run}"
    for _, template in partitions(Found.BY_RUNNER):
        assert template == "RUNNER#{runner}"
    for table, template in partitions(Found.BY_PREFIX):
        assert re.findall(r"{(\w+)}", template)[:2] == ["org", "project"]
        assert table in {"alerts", "pipelines"}, "only small tables are scanned"


def test_items_are_counted_by_their_names() -> None:
    assert counted_as("access", "PROJECT#acme#web", "SECRET#key") == "secrets"
    assert counted_as("access", "PROJECT#acme#web", "SECRETVERSION#key#00000001") == "versions of secrets"
    assert counted_as("runs", "RUN#01", "RUN") == "runs"
    assert counted_as("runs", "RUN#01", "VALUE#a#b") == "values"
    assert counted_as("runs", "RUN#01", "something") == "other items"
