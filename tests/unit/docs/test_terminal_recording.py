"""The recorded terminal of the README."""

import re
import xml.etree.ElementTree as ElementTree

from website.record_terminal import PICTURE, SESSION, RecordedLine, picture

WITH_NAMESPACE = "{http://www.w3.org/2000/svg}text"


def texts(svg: str) -> str:
    root = ElementTree.fromstring(svg)
    return " ".join("".join(one.itertext()).replace("\xa0", " ") for one in root.iter(WITH_NAMESPACE))


def test_each_line_appears_at_its_time_and_nothing_is_loaded() -> None:
    svg = picture([RecordedLine(0, "\x1b[1m$ cadence runs\x1b[0m"), RecordedLine(1.25, "a < b & c")], "Title")

    assert "$ cadence runs" in texts(svg) and "a < b & c" in texts(svg)
    assert '[clip-path="url(#terminal-line-1)"] { animation-delay: 1.25s }' in svg
    assert 'clip-path="url(#terminal-line-1)"' in svg.partition("</style>")[2]
    assert not re.search(r"@font-face|url\((?!#)|href=", svg)


def test_the_picture_shows_the_session() -> None:
    shown = texts(PICTURE.read_text(encoding="utf-8"))

    assert [command for command in SESSION if command not in shown] == []
