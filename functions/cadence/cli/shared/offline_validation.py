"""Validates a document on this machine, without a server."""

from dataclasses import asdict
from typing import Any

from cadence.cli.shared.library_files import libraries_beside


def validate_offline(document: str, file: str) -> dict[str, Any]:
    """The answer that a server gives, without what only a server knows: pools, secrets, definitions from elsewhere.

    Definitions of other files of the repository are read from the working tree that `file` lies in.
    """
    from cadence.domain.pipelines.document import Context, Severity, validate  # slow to import

    beside = libraries_beside(document, file)
    checked = validate(document, context=Context(libraries=beside.found, path=beside.path))
    findings = [
        asdict(finding) | {"code": str(finding.code), "severity": str(finding.severity)} for finding in checked.findings
    ]
    return {
        "name": checked.pipeline.name if checked.pipeline else None,
        "valid": not any(finding.severity is Severity.ERROR for finding in checked.findings),
        "findings": findings,
        "secrets": [],
    }
