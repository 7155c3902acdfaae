"""Types that YAML tears apart: in braces, a comma ends a text that is not in quotes."""

from collections.abc import Sequence
from dataclasses import replace

from cadence.domain.pipelines.document.findings import Code, Finding

_HINT = "In braces a comma ends the text: put the type in quotes. A map has one type, that of its values: Map<u64>."


def without_torn_types(findings: Sequence[Finding]) -> list[Finding]:
    """Returns the findings with one for each torn type, instead of further ones about its second half.

    `{x: Block<Map<string, u64>>}` has the keys `x` and `u64>>` for YAML.
    """
    torn = {finding.pointer.rpartition("/")[0] for finding in findings if _is_first_half(finding)}
    if not torn:
        return list(findings)
    kept = []
    for finding in findings:
        holder, _, key = finding.pointer.rpartition("/")
        if holder in torn and key.endswith(">"):
            continue
        kept.append(replace(finding, hint=_HINT) if _is_first_half(finding) else finding)
    return kept


def _is_first_half(finding: Finding) -> bool:
    """Whether the finding is about a type that opens more than it closes, such as `Map<string`."""
    message = finding.message
    return finding.code is Code.BAD_TYPE and (
        "lacks a closing >" in message or ("lacks a flow" in message and message.count("<") > message.count(">"))
    )
