"""Who validates a file of another system is told first, and once, that it can be imported."""

from pathlib import Path

import pytest

from cadence.domain.pipelines.document import validate

HERE = Path(__file__).parent
IMPORT = "cadence import FILE converts it"


@pytest.mark.parametrize(
    "name", ["github/python-package.yml", "github/anchors.yml", "gitlab/python.yml", "bitbucket/monorepo.yml"]
)
def test_the_first_finding_says_so_and_no_other(name: str) -> None:
    hints = [finding.hint or "" for finding in validate((HERE / name).read_text(encoding="utf-8")).findings]

    assert [IMPORT in hint for hint in hints] == [True, *(False for _ in hints[1:])]


def test_a_document_of_cadence_with_a_foreign_key_is_not_to_be_imported() -> None:
    text = "cadence: 1\nname: x\ntreatments: {a: {run: make}}\njobs: {}\n"

    assert [finding.hint for finding in validate(text).findings] == ["Write treatments."]
