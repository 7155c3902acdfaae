"""How the command line writes parameters and events."""

from cadence.cli.shared.output import pairs_lines, pairs_text, without_empty


def test_values_are_written_as_in_a_document() -> None:
    values = {"strict": False, "ref": "main", "count": 3, "none": None, "labels": ["a", "é"]}
    assert pairs_text(values) == 'count=3, labels=["a", "é"], none=null, ref=main, strict=false'


def test_long_lists_are_counted_where_asked_for() -> None:
    assert pairs_text({"files": list("abcdef")}, most=5) == "files=6 entries"


def test_more_than_three_values_have_a_line_each() -> None:
    values = {"kind": "push", "strict": False, "changed_files": ["src/a.py"]}
    assert pairs_lines(values, 5) == ['changed_files=["src/a.py"], kind=push, strict=false']
    assert pairs_lines({**values, "count": 0}, 5) == [
        'changed_files=["src/a.py"]',
        "count=0",
        "kind=push",
        "strict=false",
    ]
    assert pairs_lines({}, 5) == []


def test_empty_values_can_be_left_out() -> None:
    assert without_empty({"author": "", "tag": None, "labels": [], "strict": False, "count": 0}) == {
        "strict": False,
        "count": 0,
    }
