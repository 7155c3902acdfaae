"""Validates a document on this machine, without a server."""

from dataclasses import asdict
from typing import Any


def validate_offline(document: str) -> dict[str, Any]:
    """The answer that a server gives, without what only a server knows: pools, secrets, definitions of others."""
    from cadence.domain.pipelines.document import Severity, validate  # slow to import

    checked = validate(document)
    findings = [
        asdict(finding) | {"code": str(finding.code), "severity": str(finding.severity)} for finding in checked.findings
    ]
    return {
        "name": checked.pipeline.name if checked.pipeline else None,
        "valid": not any(finding.severity is Severity.ERROR for finding in checked.findings),
        "findings": findings,
    }
