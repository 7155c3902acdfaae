"""Leaves out of an imported document what its validation refuses, so that the result is valid or there is none."""

import shlex

from cadence.domain.pipelines.document import Finding, Severity, validate
from cadence.importing.shared.draft import ImportDraft
from cadence.importing.shared.report import ImportFailure
from cadence.importing.shared.trial_start import fill_needed_values, refusals_of_start

_ROUNDS = 5


def mended(draft: ImportDraft) -> tuple[str, tuple[Finding, ...]]:
    """Returns the document's text without what is invalid in it, and its findings.

    A document whose runs would be refused counts as invalid. Each part that is left out is in the report, and a
    treatment that lost a part does not run (`when: false`). Raises ImportFailure if the rest is invalid still.
    """
    fill_needed_values(draft)
    for _ in range(_ROUNDS):
        document = draft.text()
        checked = validate(document, "yaml")
        findings = checked.findings
        refused = refusals_of_start(checked.pipeline, document) if checked.pipeline else findings
        errors = [finding for finding in refused if finding.severity is Severity.ERROR]
        if not errors:
            return document, findings
        handled = [_leave_out(draft, finding) for finding in errors]
        if not all(handled):
            break
    first = errors[0]
    raise ImportFailure(
        f"The result would not be a valid pipeline ({first.pointer or 'document'}: {first.message}). "
        "Please report this file, or change that part and import again."
    )


def _leave_out(draft: ImportDraft, finding: Finding) -> bool:
    """Removes what a finding is about. Returns False if nothing is known to remove."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in finding.pointer.split("/")[1:]]
    match parts:
        case ["treatments", name, "steps", number, "when"] if name in draft.treatments and number.isdecimal():
            step = draft.treatments[name].body["steps"][int(number)]
            draft.notes.add(
                draft.treatments[name].line, f"{name}: {step['name']}", f"Its condition would not be valid: {finding.message}",
                "The step does not run (when: false) until this is written by hand.",
            )  # fmt: skip
            step["when"] = False
            return True
        case ["treatments", name, key, *_] if name in draft.treatments:
            treatment = draft.treatments[name]
            draft.notes.add(
                treatment.line, f"{name}: {key}", f"It would not be valid: {finding.message}",
                "The treatment does not run (when: false) until this is written by hand.",
            )  # fmt: skip
            if key in ("run", "steps", "trigger"):
                for work in ("steps", "trigger"):
                    treatment.body.pop(work, None)
                treatment.body["run"] = f"echo {shlex.quote(f'{name} was not carried over')} >&2; exit 1"
            else:
                treatment.body.pop(key, None)
            treatment.body["when"] = False
            return True
        case ["on", trigger, *_] if trigger in draft.settings.get("on", {}):
            draft.notes.add(0, f"on.{trigger}", f"It would not be valid: {finding.message}", "Write it by hand.")
            del draft.settings["on"][trigger]
            if not draft.settings["on"]:
                del draft.settings["on"]
            return True
        case ["connections", number, *_] if number.isdecimal() and int(number) < len(draft.connections):
            connection = list(draft.connections)[int(number)]
            draft.notes.add(0, connection, f"It would not be valid: {finding.message}", "Connect them by hand.")
            draft.left_out.add(connection)
            return True
        case ["concurrency", *_] if "concurrency" in draft.settings:
            draft.notes.add(0, "concurrency", f"It would not be valid: {finding.message}", "Write it by hand.")
            del draft.settings["concurrency"]
            return True
        case _:
            return False
