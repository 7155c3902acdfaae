"""Whether and when a job of GitLab CI runs: `rules`, `only`, `except` and `when` as a treatment's `when`."""

from collections.abc import Mapping
from typing import Any

from cadence.importing.gitlab.job import GitLabJob
from cadence.importing.gitlab.rules import RuleError, only_except, rule_condition
from cadence.importing.shared.cel import FAILED, all_of, bare, joins, state
from cadence.importing.shared.names import slug
from cadence.importing.shared.yaml_source import listed, mapping, plain


def condition(job: GitLabJob, before: list[str]) -> None:
    """Sets the `when` of the treatment; `before` are the treatments before it."""
    when = plain(job.body.get("when", "on_success"))
    cel: str | None = None
    if "rules" in job.body:
        cel, when = _rules(job, when)
    elif "only" in job.body or "except" in job.body:
        key = "only" if "only" in job.body else "except"
        try:
            cel = only_except(job.body, job.variables)
        except RuleError as error:
            _not_translated(job, key, plain(job.body[key]) if isinstance(job.body[key], str) else key, error)
            cel = "false"
    _apply(job, when, cel, before)


def _apply(job: GitLabJob, when: str, cel: str | None, before: list[str]) -> None:
    parts = [cel] if cel is not None else []
    if when == "manual":
        parts.append(_by_hand(job))
    elif when == "delayed":
        job.note(job.line("when"), "when: delayed", "Treatments start as soon as they can.", "Sleep in the script.")
    elif when in ("always", "on_failure") and before:
        if when == "always":
            parts += [f'{state(name)} != ""' for name in before]
        else:
            parts.append(" || ".join(f"{state(name)} in {FAILED}" for name in before))
        job.treatment.body.pop("after", None)
    elif when == "never":
        parts = ["false"]
    if parts:
        text = "false" if "false" in parts else all_of(parts)
        job.treatment.body["when"] = False if text == "false" else f"${{{{ {text} }}}}"


def _by_hand(job: GitLabJob) -> str:
    name = slug(f"run_{job.name}", "_", "p")
    job.draft.parameter(name, {"type": "bool", "default": False, "description": f"Whether to run {job.name}."[:1000]})
    job.note(
        job.line("when"), "when: manual", "Nobody starts single treatments of a run.",
        f"Start a run with {name}=true, or give the treatment an environment that asks for approval.",
    )  # fmt: skip
    return f"parameters.{name}"


def _rules(job: GitLabJob, default: str) -> tuple[str | None, str]:
    """The condition under which the first matching rule lets the job run, and how the job starts then."""
    alternatives: list[tuple[str, str]] = []
    for index, rule in enumerate(listed(job.body["rules"])):
        line = (job.file.line(rule) if isinstance(rule, dict) else 0) or job.line("rules")
        when = plain(mapping(rule).get("when", default))
        found = _rule(job, mapping(rule), line, index, when)
        if found is not None:
            alternatives.append((found, when))
        for key in ("variables", "needs", "interruptible"):
            if key in mapping(rule):
                job.note(
                    line, f"rules: {key}", "A treatment's settings do not change by conditions.", "Make two treatments."
                )
    text = "false"
    for cel, when in reversed(alternatives):
        text = _either(cel, _by_hand(job) if when == "manual" else "false" if when == "never" else "true", text)
    starts = dict.fromkeys(when for _, when in alternatives if when not in ("never", "manual"))
    if len(starts) > 1:
        job.note(
            job.line("rules"),
            "rules with several `when`",
            "A treatment starts in one way.",
            f"It is “{next(iter(starts))}” now; check.",
        )
    return (None if text == "true" else text), next(iter(starts), "on_success")


def _either(cel: str, runs: str, otherwise: str) -> str:
    """`cel ? runs : otherwise`, simplified."""
    if cel == "true" or runs == otherwise:
        return runs
    if runs == "true":
        return cel if otherwise == "false" else f"{_grouped(cel)} || {_grouped(otherwise)}"
    if runs == "false":
        negated = f"!({bare(cel)})"
        return negated if otherwise == "true" else f"{negated} && {_grouped(otherwise)}"
    return f"{_grouped(cel)} ? {runs} : {_grouped(otherwise)}"


def _grouped(cel: str) -> str:
    return f"({bare(cel)})" if joins(cel, "||", "&&", " ? ") else cel


def _rule(job: GitLabJob, rule: Mapping[str, Any], line: int, index: int, when: str) -> str | None:
    """The rule's condition, `true` if it has none; `None` if the rule is left out.

    A condition that cannot be translated lets no job run: a rule that forbids it holds always, any other never.
    """
    unknown = "true" if when == "never" else None
    for key in ("changes", "exists"):
        if key in rule:
            job.note(
                line, f"rules: {key}", "Only a whole pipeline is started by what changed, with `on.push.paths`.",
                "The job does not run because of this rule; look at the changes in the script, or split the pipeline.",
            )  # fmt: skip
            return unknown
    if "if" not in rule:
        return "true"
    try:
        return rule_condition(plain(rule["if"]), job.variables)
    except RuleError as error:
        _not_translated(job, f"rule {index + 1}", plain(rule["if"]), error, line)
        return unknown


def _not_translated(job: GitLabJob, key: str, text: str, error: RuleError, line: int | None = None) -> None:
    job.note(
        line if line is not None else job.line(key), f"{key}: {text}", f"The condition cannot be translated: {error}.",
        "The job does not run because of it; write `when` by hand.",
    )  # fmt: skip
