"""Types that YAML tears apart: in braces, a comma ends a text that is not in quotes."""

from collections.abc import Sequence
from dataclasses import replace

from cadence.domain.pipelines.document.findings import Code, Finding

_HINT = "In braces a comma ends the text: put the type in quotes. A map has one type, that of its values: Map<u64>."


def without_torn_types(findings: Sequence[Finding]) -> list[Finding]:
    """Returns the findings with one for each torn type, instead of further ones about its second half.

    `{x: Block<Map<string, u64>>}` has the keys `x` and `u64>>` for YAML.
    """
    torn = {
        finding.pointer.rpartition("/")[0]
        for finding in findings
        if finding.code is Code.BAD_TYPE and "lacks a closing >" in finding.message
    }
    if not torn:
        return list(findings)
    kept = []
    for finding in findings:
        holder, _, key = finding.pointer.rpartition("/")
        if holder in torn and key.endswith(">"):
            continue
        is_torn = holder in torn and finding.code is Code.BAD_TYPE and "lacks a closing >" in finding.message
        kept.append(replace(finding, hint=_HINT) if is_torn else finding)
    return kept
