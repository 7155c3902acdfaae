"""The one entrance: a file's text in, a pipeline document and a report out."""

from dataclasses import dataclass

from cadence.domain.pipelines.document import Finding, Severity, validate
from cadence.importing.draft import Draft
from cadence.importing.github import from_github
from cadence.importing.gitlab import from_gitlab
from cadence.importing.gitlab_file import without_header
from cadence.importing.report import ImportFailure, Kind, Note
from cadence.importing.source import Source
from cadence.importing.wfcommons import Scales, from_wfcommons


@dataclass(frozen=True, slots=True)
class Imported:
    """A conversion. `findings` are what the validator says about `document`; it is valid if none of them is an error."""

    kind: Kind
    document: str
    notes: tuple[Note, ...]
    findings: tuple[Finding, ...]

    @property
    def valid(self) -> bool:
        return all(finding.severity is not Severity.ERROR for finding in self.findings)


def convert(text: str, kind: Kind | None = None, scales: Scales | None = None, name: str = "") -> Imported:
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


def guess(text: str) -> Kind:
    """What a file describes, by its content. Raises `ImportFailure` if nothing fits."""
    if text.lstrip()[:1] == "{" and '"schemaVersion"' in text:
        return Kind.WFCOMMONS
    data = Source(without_header(text)[1]).data
    if isinstance(data.get("jobs"), dict):
        return Kind.GITHUB
    if (
        any(isinstance(job, dict) and not _SIGNS_OF_GITLAB.isdisjoint(job) for job in data.values())
        or "include" in data
    ):
        return Kind.GITLAB
    raise ImportFailure(
        "This is neither a WfCommons workflow nor one of GitHub Actions, nor a file of GitLab CI; say which with --from."
    )


_SIGNS_OF_GITLAB = frozenset({"script", "trigger", "extends", "stage"})


def _draft(text: str, kind: Kind, scales: Scales, name: str) -> Draft:
    match kind:
        case Kind.WFCOMMONS:
            return from_wfcommons(text, scales)
        case Kind.GITHUB:
            return from_github(text, name)
        case Kind.GITLAB:
            return from_gitlab(text, name)
