"""How the command line writes parameters and events."""

from cadence.cli.shared.output import pairs_text


def test_values_are_written_as_in_a_document() -> None:
    values = {"strict": False, "ref": "main", "count": 3, "none": None, "labels": ["a", "é"]}
    assert pairs_text(values) == 'count=3, labels=["a", "é"], none=null, ref=main, strict=false'


def test_long_lists_are_counted_where_asked_for() -> None:
    assert pairs_text({"files": list("abcdef")}, most=5) == "files=6 entries"
