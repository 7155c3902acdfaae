"""Decision records are numbered without gaps, dated, have a status, and stand in the index."""

import re

from tests.unit.docs.pages import DOCS

RECORDS = sorted((DOCS / "adr").glob("[0-9]*.md"))
INDEX = (DOCS / "adr" / "README.md").read_text(encoding="utf-8")
_HEAD = re.compile(r"# (\d+)\. (.+)\n\n- Date: (\d{4}-\d{2}-\d{2})\n- Status: (Accepted|Superseded by .+)\n")


def test_numbers_have_no_gaps() -> None:
    assert [int(record.name[:4]) for record in RECORDS] == list(range(1, len(RECORDS) + 1))


def test_each_has_a_head_and_a_row_in_the_index() -> None:
    for record in RECORDS:
        head = _HEAD.match(record.read_text(encoding="utf-8"))
        assert head, f"{record.name}: number, title, date and status are the first lines"
        number, title, date, status = head.groups()
        assert int(number) == int(record.name[:4])
        assert f"| {number} | [{title}]({record.name}) | {date} | {status} |\n" in INDEX
