"""The refusal of a document, or of a run of it."""

from collections.abc import Sequence

from cadence.domain.pipelines.document import Finding
from cadence.domain.shared.errors import InvalidRequest


class InvalidDocument(InvalidRequest):
    """The document, one of its parameters, or the plan that results for a run has errors.

    `findings` are all findings, warnings included.
    """

    code = "invalid_document"

    def __init__(self, findings: Sequence[Finding]) -> None:
        count = len(findings)
        super().__init__(f"{count} finding{'' if count == 1 else 's'}; nothing was stored and nothing was started.")
        self.findings = tuple(findings)
