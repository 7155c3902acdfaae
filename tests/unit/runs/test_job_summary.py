"""Summaries of jobs as code hosts may show them."""

import pytest

from cadence.domain.runs.job_summary import JobSummary, harmless_markdown, listed

JOINER = "\u2060"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("**bold** a < b, 5!", "**bold** a < b, 5!"),
        ("<script>", f"<{JOINER}script>"),
        ("</details>", f"<{JOINER}/details>"),
        ("<!-- cadence r-1 -->", f"<{JOINER}!-- cadence r-1 -->"),
        ("<https://example.com>", f"<{JOINER}https://example.com>"),
        ("![pixel](https://example.com/p.png)", f"!{JOINER}[pixel](https://example.com/p.png)"),
        ("thanks @alice", f"thanks @{JOINER}alice"),
        ("/close", f"{JOINER}/close"),
        ("text\n  /cadence rerun", f"text\n  {JOINER}/cadence rerun"),
        ("- /merge", f"- {JOINER}/merge"),
        ("> /merge", f"> {JOINER}/merge"),
        ("a /b", "a /b"),
    ],
)
def test_nothing_in_it_is_markup_an_image_a_mention_or_a_command(written: str, shown: str) -> None:
    assert harmless_markdown(written) == shown


def test_they_are_listed_by_treatment_as_far_as_they_fit() -> None:
    summaries = [JobSummary("01a", "test", 1, "12 passed"), JobSummary("01a", "build", 1, "x" * 500)]

    assert listed(summaries, 1_000) == ["", "#### `build`", "", "x" * 500, "", "#### `test`", "", "12 passed"]
    assert listed(summaries, 100) == [
        "",
        "#### `test`",
        "",
        "12 passed",
        "",
        "1 summary is too long for this place: see the run.",
    ]
    assert listed([], 100) == []


@pytest.mark.parametrize(
    ("written", "last"),
    [
        ("```sh\nmake", "```"),
        ("````\n```\nmake", "````"),
        ("~~~\n```\nmake", "~~~"),
        ("```\nmake\n```", "```"),
        ("```` a ` b", "```` a ` b"),
        ("text", "text"),
    ],
)
def test_a_block_of_code_that_is_left_open_ends_with_its_summary(written: str, last: str) -> None:
    lines = listed([JobSummary("01a", "test", 1, written)], 1_000)

    assert lines[-1] == last
    assert len(lines) == 3 + len(written.splitlines()) + (last not in {written.splitlines()[-1], "text"})
