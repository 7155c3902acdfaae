"""Whether and when a job of GitLab CI runs: `rules`, `only`, `except` and `when` as a treatment's `when`."""

import json
from collections.abc import Mapping
from typing import Any

from cadence.importing.gitlab_job import GitLabJob
from cadence.importing.gitlab_rules import RuleError, only_except, rule_condition
from cadence.importing.names import slug
from cadence.importing.source import listed, mapping, plain

_FAILED = '["failed", "lost", "timed_out"]'


def condition(job: GitLabJob, before: list[str]) -> None:
    """Gives the treatment its `when`; `before` are the treatments that come before it."""
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
    parts = [f"({cel})" if cel is not None and "||" in cel else cel] if cel is not None else []
    if when == "manual":
        parts.append(_by_hand(job))
    elif when == "delayed":
        job.note(job.line("when"), "when: delayed", "Treatments start as soon as they can.", "Sleep in the script.")
    elif when in ("always", "on_failure") and before:
        states = [f"treatments[{json.dumps(name)}].state" for name in before]
        if when == "always":
            parts += [f'{state} != ""' for state in states]
        else:
            failed = " || ".join(f"{state} in {_FAILED}" for state in states)
            parts.append(f"({failed})" if len(states) > 1 else failed)
        job.treatment.body.pop("after", None)
    elif when == "never":
        parts = ["false"]
    if parts:
        text = " && ".join(part for part in parts if part)
        job.treatment.body["when"] = {"false": False}.get(text, f"${{{{ {text} }}}}")


def _by_hand(job: GitLabJob) -> str:
    name = slug(f"run_{job.name}", "_", "p")
    job.draft.parameter(name, {"type": "bool", "default": False, "description": f"Whether to run {job.name}."[:1000]})
    job.note(
        job.line("when"), "when: manual", "Nobody starts single treatments of a run.",
        f"Start a run with {name}=true, or give the treatment an environment that asks for approval.",
    )  # fmt: skip
    return f"parameters.{name}"


def _rules(job: GitLabJob, default: str) -> tuple[str | None, str]:
    """The condition under which any rule lets the job run, and the `when` of the first that does."""
    text = "false"
    chosen: str | None = None
    made: list[tuple[str, str]] = []
    for index, entry in enumerate(listed(job.body["rules"])):
        rule = mapping(entry)
        line = job.file.line(entry) if isinstance(entry, dict) else job.line("rules")
        found = _rule(job, rule, line or job.line("rules"), index)
        if found is not None:
            made.append((found, plain(rule.get("when", default))))
        for key in ("variables", "needs", "interruptible"):
            if key in rule:
                job.note(
                    line, f"rules: {key}", "A treatment's settings do not change by conditions.", "Make two treatments."
                )
    for cel, when in reversed(made):
        runs = "false" if when == "never" else "true"
        chosen = when if when != "never" else chosen
        text = _either(cel, runs, text)
    whens = {when for _, when in made if when != "never"}
    if len(whens) > 1:
        job.note(
            job.line("rules"),
            "rules with several `when`",
            "A treatment starts in one way.",
            f"It is “{chosen}” now; check.",
        )
    return (None if text == "true" else text), chosen or default


def _either(cel: str, runs: str, otherwise: str) -> str:
    """`cel ? runs : otherwise`, as people write it."""
    if cel == "true" or runs == otherwise:
        return runs
    wrapped = f"({cel})" if "||" in cel or "&&" in cel else cel
    rest = f"({otherwise})" if "||" in otherwise or "?" in otherwise else otherwise
    if runs == "true":
        return cel if otherwise == "false" else f"{wrapped} || {rest}"
    negated = f"!{wrapped}" if wrapped.startswith("(") else f"!({cel})"
    return negated if otherwise == "true" else f"{negated} && {rest}"


def _rule(job: GitLabJob, rule: Mapping[str, Any], line: int, index: int) -> str | None:
    """The rule's condition, `true` if it has none; `None` if the rule is left out."""
    for key in ("changes", "exists"):
        if key in rule:
            job.note(
                line, f"rules: {key}", "Only a whole pipeline is started by what changed, with `on.push.paths`.",
                "The rule is left out; look at the changes in the script, or split the pipeline.",
            )  # fmt: skip
            return None
    if "if" not in rule:
        return "true"
    try:
        return rule_condition(plain(rule["if"]), job.variables)
    except RuleError as error:
        _not_translated(job, f"rule {index + 1}", plain(rule["if"]), error, line)
        return None


def _not_translated(job: GitLabJob, key: str, text: str, error: RuleError, line: int | None = None) -> None:
    job.note(
        line if line is not None else job.line(key), f"{key}: {text}", f"The condition cannot be translated: {error}.",
        "The job does not run because of it; write `when` by hand.",
    )  # fmt: skip
