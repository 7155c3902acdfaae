"""Converts the text of a file into a pipeline document and a report."""

from dataclasses import dataclass

from cadence.domain.pipelines.document import Finding, Severity
from cadence.importing.bitbucket.pipeline import from_bitbucket
from cadence.importing.github.composite import ReadAction
from cadence.importing.github.workflow import from_github
from cadence.importing.gitlab.file import without_header
from cadence.importing.gitlab.pipeline import from_gitlab
from cadence.importing.shared.draft import ImportDraft
from cadence.importing.shared.mending import mended
from cadence.importing.shared.report import ImportFailure, Note, SourceFormat
from cadence.importing.shared.yaml_source import YamlSource
from cadence.importing.wfcommons.workflow import Scales, from_wfcommons
from cadence.importing.woodpecker.pipeline import from_woodpecker


@dataclass(frozen=True, slots=True)
class Imported:
    """A conversion.

    `findings` are the validator's findings in `document`, which is valid if none of them is an error.
    """

    kind: SourceFormat
    document: str
    notes: tuple[Note, ...]
    findings: tuple[Finding, ...]

    @property
    def valid(self) -> bool:
        return all(finding.severity is not Severity.ERROR for finding in self.findings)


def convert(
    text: str,
    kind: SourceFormat | None = None,
    scales: Scales | None = None,
    name: str = "",
    read_action: ReadAction = lambda _: None,
) -> Imported:
    """Converts `text` into a pipeline, which is called `name` unless the text names it. Raises ImportFailure.

    Without `kind`, the format is detected from the content. `read_action` finds the composite actions of the
    repository that a workflow of GitHub Actions lies in.
    """
    text = text.removeprefix("\ufeff")
    kind = kind or guess(text)
    draft = from_github(text, name, read_action) if kind is SourceFormat.GITHUB else _draft(text, kind, scales, name)
    if not draft.treatments:
        raise ImportFailure("The file contains nothing to run.")
    document, findings = mended(draft)
    return Imported(kind, document, tuple(draft.notes), findings)


def guess(text: str) -> SourceFormat:
    """Detects the format of a file from its content. Raises ImportFailure if it is none of those known."""
    if text.lstrip()[:1] == "{" and '"schemaVersion"' in text:
        return SourceFormat.WFCOMMONS
    data = YamlSource(without_header(text)[1]).data
    if isinstance(data.get("jobs"), dict):
        return SourceFormat.GITHUB
    if isinstance(data.get("pipelines"), dict):
        return SourceFormat.BITBUCKET
    if "kind" not in data and any(_has_images(data.get(key)) for key in ("steps", "pipeline")):
        return SourceFormat.WOODPECKER
    if (
        any(isinstance(job, dict) and not _SIGNS_OF_GITLAB.isdisjoint(job) for job in data.values())
        or "include" in data
    ):
        return SourceFormat.GITLAB
    raise ImportFailure(
        "The file is neither a workflow of WfCommons, GitHub Actions or Woodpecker nor a file of GitLab CI or Bitbucket "
        "Pipelines. Give its format with --from."
    )


def _has_images(steps: object) -> bool:
    """Whether these are steps of Woodpecker, which have an image each."""
    bodies = steps.values() if isinstance(steps, dict) else steps if isinstance(steps, list) else ()
    return any(isinstance(body, dict) and "image" in body for body in bodies)


_SIGNS_OF_GITLAB = frozenset({"script", "trigger", "extends", "stage"})


def _draft(text: str, kind: SourceFormat, scales: Scales | None, name: str) -> ImportDraft:
    match kind:
        case SourceFormat.WFCOMMONS:
            return from_wfcommons(text, scales or Scales())
        case SourceFormat.GITLAB:
            return from_gitlab(text, name)
        case SourceFormat.BITBUCKET:
            return from_bitbucket(text, name)
        case SourceFormat.WOODPECKER:
            return from_woodpecker(text, name)
    raise AssertionError(kind)
