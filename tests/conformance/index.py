"""The index of the conformance suite (docs/conformance.md): `python -m tests.conformance.index`."""

from itertools import groupby

from tests.conformance.cases import Case, cases

_INTRODUCTION = """\
# Conformance

Made from the cases themselves by `python -m tests.conformance.index`.

What the pipeline language means, case by case: each is a document that can be read as an example, with what comes of it
in its head. *Findings* are what the validator says, with their places; *run* is what a run of it comes to on the local
stack. `pytest tests/conformance` checks the findings of all, `pytest tests/e2e/pipelines/test_conformance.py` runs
those that can be run.
"""


def index() -> str:
    sections = [
        _INTRODUCTION,
        f"{len(cases())} cases, {sum(case.run is not None for case in cases())} of which are run.\n",
    ]
    for topic, members in groupby(cases(), key=lambda case: case.topic):
        rows = [
            f"| [{case.name}](../tests/conformance/{case}.yaml) | {case.title} | {_outcome(case)} |" for case in members
        ]
        sections.append(
            "\n".join(
                [
                    f"## {topic.replace('-', ' ').capitalize()}\n",
                    "| case | shows | comes to |",
                    "|---|---|---|",
                    *rows,
                    "",
                ]
            )
        )
    return "\n".join(sections)


def _outcome(case: Case) -> str:
    outcomes = [f"`{code}`" for code in dict.fromkeys(code for code, _, _ in case.findings)]
    if case.run is not None:
        outcomes.append(f"run {case.run.state.replace('_', ' ')}")
    if case.refused is not None:
        outcomes += [f"no run: `{code}`" for code in case.refused.codes]
    return ", ".join(outcomes) or "valid"


if __name__ == "__main__":
    print(index(), end="")
