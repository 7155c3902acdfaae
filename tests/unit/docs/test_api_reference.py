"""The site's API reference has every operation and every schema of the OpenAPI document."""

import json
import re

from tests.unit.docs.pages import DOCS
from website import api_reference

DOCUMENT = json.loads((DOCS / "openapi.json").read_text(encoding="utf-8"))
PAGES = api_reference.pages(DOCUMENT)


def test_every_operation_has_a_section_and_a_line_in_the_index() -> None:
    for path, methods in DOCUMENT["paths"].items():
        for method, part in methods.items():
            page = PAGES[part["tags"][0]]
            assert f"`{path}` {{ #{part['operationId']} }}" in page
            assert method.upper() in page
            assert f"{part['tags'][0]}.md#{part['operationId']}" in PAGES["index"]


def test_types_that_are_linked_exist() -> None:
    anchors = {name: set(re.findall(r"{ #([\w-]+) }", page)) for name, page in PAGES.items()}
    for name, page in PAGES.items():
        for target, anchor in re.findall(r"\]\((?:([\w-]+)\.md)?#([\w-]+)\)", page):
            assert anchor in anchors[target or name], f"{name}: {target}#{anchor}"
