"""One step of Bitbucket Pipelines while it is converted into a treatment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cadence.importing.bitbucket.file import BitbucketFile, PlannedStep, Section
from cadence.importing.shared.cel import bare, event_value
from cadence.importing.shared.draft import ImportDraft, ImportedTreatment

PREDEFINED = {
    "BITBUCKET_COMMIT": "event.commit",
    "BITBUCKET_BRANCH": "event.branch",
    "BITBUCKET_TAG": "event.tag",
    "BITBUCKET_REPO_FULL_NAME": "event.repository",
    "BITBUCKET_GIT_HTTP_ORIGIN": "event.repository_url",
    "BITBUCKET_PIPELINE_UUID": "run.id",
    "BITBUCKET_BUILD_NUMBER": "run.id",
    "BITBUCKET_PR_DESTINATION_BRANCH": "event.base_branch",
    "BITBUCKET_PR_DESTINATION_COMMIT": "event.base_commit",
}
_REFERENCE = re.compile(r"\$\{([A-Za-z_]\w*)\}|\$([A-Za-z_]\w*)|\$")


@dataclass(kw_only=True)
class BitbucketStep:
    """A step while it is converted. `title` is its name in the file.

    `condition` is its own, besides what starts its pipeline;
    `never` means that the treatment does not run until it is changed by hand.
    """

    title: str
    planned: PlannedStep
    section: Section
    file: BitbucketFile
    draft: ImportDraft
    treatment: ImportedTreatment
    condition: str | None = None
    never: bool = False
    home: bool = False
    beginning: list[str] = field(default_factory=list)
    fixed: dict[str, str] = field(default_factory=dict)

    @property
    def body(self) -> Mapping[str, Any]:
        return self.planned.body

    def line(self, key: str) -> int:
        return self.file.line(self.body, key) or self.planned.line

    def note(self, line: int, what: str, why: str, todo: str) -> None:
        self.draft.notes.add(line, f"{self.title}: {what}", why, todo)

    def text(self, text: str, line: int, where: str) -> str | None:
        """A text with Bitbucket's variables as expressions; `None` and a note if it has others."""
        unknown: list[str] = []

        def put_in(match: re.Match[str]) -> str:
            name = match[1] or match[2] or ""
            if name in self.fixed:
                return self.fixed[name]
            if name not in PREDEFINED:
                unknown.append(name or "$")
                return ""
            return f"${{{{ {expression(name)} }}}}"

        written = _REFERENCE.sub(put_in, text)
        if not unknown:
            return written
        self.note(
            line, f"{where}: {text}", f"The variable {unknown[0]} is a setting of Bitbucket.", "Write its value out."
        )
        return None


def expression(name: str) -> str:
    """The CEL text of the value of one of Bitbucket's own variables."""
    return bare(event_value(PREDEFINED[name]))
