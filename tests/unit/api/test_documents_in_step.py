"""What is committed of the API's and the command line's descriptions is what the code says."""

import json
from pathlib import Path

from openapi_spec_validator import validate

from api.access_matrix import page
from api.openapi import document
from api.permission_table import table
from api.routes import GROUPS
from cadence.cli.reference import reference

DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_the_openapi_document_is_up_to_date():
    committed = json.loads((DOCS / "openapi.json").read_text())

    assert committed == document(GROUPS), "Write it again: PYTHONPATH=functions python -m api > docs/openapi.json"


def test_the_openapi_document_is_valid():
    validate(document(GROUPS))


def test_no_component_is_named_after_its_module():
    """Two models of one name get their modules' names in front, which generators of clients cannot tell apart."""
    assert [name for name in document(GROUPS)["components"]["schemas"] if "__" in name] == []


def test_components_differ_in_more_than_upper_and_lower_case():
    names = [name.lower() for name in document(GROUPS)["components"]["schemas"]]

    assert sorted(names) == sorted(set(names))


def test_no_component_is_named_as_a_generator_names_what_makes_another():
    """A client in Go has a function `NewTokenView` for `TokenView`."""
    names = set(document(GROUPS)["components"]["schemas"])

    assert {name for name in names if f"New{name}" in names} == set()


def test_alternatives_have_no_default_but_null():
    """A client in Go would name the default in a way that does not compile."""
    components = document(GROUPS)["components"]["schemas"]

    found = {
        (name, field)
        for name, component in components.items()
        for field, schema in component.get("properties", {}).items()
        if "anyOf" in schema and schema.get("default") is not None
    }
    assert found == set()


def test_the_reference_of_the_command_line_is_up_to_date():
    committed = (DOCS / "cli.md").read_text()

    assert committed == reference(), (
        "Write it again: PYTHONPATH=functions python -m cadence.cli.reference > docs/cli.md"
    )


def test_the_table_of_permissions_is_up_to_date():
    written = (DOCS / "security.md").read_text().partition("<!-- python -m api.permission_table -->\n")[2]

    assert written == table(), "Write it again: PYTHONPATH=functions python -m api.permission_table"


def test_the_matrix_of_roles_and_routes_is_up_to_date():
    written = (DOCS / "access-matrix.md").read_text()

    assert written == page(), "Write it again: PYTHONPATH=functions python -m api.access_matrix > docs/access-matrix.md"


def test_every_permission_is_needed_somewhere():
    assert not [row for row in table().splitlines() if row.endswith("|  |")]
