"""The one entrance: a file's text in, a pipeline document and a report out."""

from dataclasses import dataclass

from cadence.domain.document import Finding, Severity, validate
from cadence.importing.github.workflow import from_github
from cadence.importing.gitlab.file import without_header
from cadence.importing.gitlab.pipeline import from_gitlab
from cadence.importing.shared.draft import ImportDraft
from cadence.importing.shared.report import ImportFailure, Note, SourceFormat
from cadence.importing.shared.yaml_source import YamlSource
from cadence.importing.wfcommons.workflow import Scales, from_wfcommons


@dataclass(frozen=True, slots=True)
class Imported:
    """A conversion. `findings` are what the validator says about `document`; it is valid if none of them is an error."""

    kind: SourceFormat
    document: str
    notes: tuple[Note, ...]
    findings: tuple[Finding, ...]

    @property
    def valid(self) -> bool:
        return all(finding.severity is not Severity.ERROR for finding in self.findings)


def convert(text: str, kind: SourceFormat | None = None, scales: Scales | None = None, name: str = "") -> Imported:
    """The text as a pipeline; `name` is what it is called if it does not say so itself. Raises `ImportFailure`.

    Without `kind`, it is guessed from the content.
    """
    text = text.removeprefix("\ufeff")
    kind = kind or guess(text)
    draft = _draft(text, kind, scales or Scales(), name)
    if not draft.treatments:
        raise ImportFailure("There is nothing to run in this file.")
    document = draft.text()
    return Imported(kind, document, tuple(draft.notes), validate(document, "yaml").findings)


def guess(text: str) -> SourceFormat:
    """What a file describes, by its content. Raises `ImportFailure` if nothing fits."""
    if text.lstrip()[:1] == "{" and '"schemaVersion"' in text:
        return SourceFormat.WFCOMMONS
    data = YamlSource(without_header(text)[1]).data
    if isinstance(data.get("jobs"), dict):
        return SourceFormat.GITHUB
    if (
        any(isinstance(job, dict) and not _SIGNS_OF_GITLAB.isdisjoint(job) for job in data.values())
        or "include" in data
    ):
        return SourceFormat.GITLAB
    raise ImportFailure(
        "This is neither a WfCommons workflow nor one of GitHub Actions, nor a file of GitLab CI; say which with --from."
    )


_SIGNS_OF_GITLAB = frozenset({"script", "trigger", "extends", "stage"})


def _draft(text: str, kind: SourceFormat, scales: Scales, name: str) -> ImportDraft:
    match kind:
        case SourceFormat.WFCOMMONS:
            return from_wfcommons(text, scales)
        case SourceFormat.GITHUB:
            return from_github(text, name)
        case SourceFormat.GITLAB:
            return from_gitlab(text, name)
