"""The summary of a job: Markdown that the command wrote into the file that ``CADENCE_SUMMARY`` names."""

from __future__ import annotations

from ..execution.workspace import Workspace
from ..logs.masking import Masker

#: The file's name among the outputs; no port's name has a dot.
SUMMARY_FILE = "summary.md"
#: Characters of a summary that are kept.
LONGEST_SUMMARY = 30_000
_MOST_BYTES = 4 * LONGEST_SUMMARY + 65_536
_CUT = "\n\n*The rest of this summary is left out: it has more than 30,000 characters.*\n"


def read_summary(workspace: Workspace | None, masker: Masker) -> str:
    """Returns the masked summary; empty if there is none, or if it is no regular file."""
    if workspace is None:
        return ""
    try:
        with workspace.held_outputs.open_file(SUMMARY_FILE) as file:
            content = file.read(_MOST_BYTES) or b""
    except OSError:
        return ""
    text = masker.mask(content.decode("utf-8", "replace")).replace("\0", "\ufffd").strip()
    return text if len(text) <= LONGEST_SUMMARY else _cut(text)


def _cut(text: str) -> str:
    """Returns the whole lines of a text that fit, or a part of the only one, with a note."""
    kept = text[: LONGEST_SUMMARY - len(_CUT)]
    return kept[: kept.rfind("\n")] + _CUT if "\n" in kept else kept + _CUT
