"""Files of GitLab CI: jobs become treatments, stages their order, artifacts the connections."""

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from cadence.importing.gitlab.artifacts import Artifacts, published, restore
from cadence.importing.gitlab.conditions import condition
from cadence.importing.gitlab.file import GitLabFile, needs_of
from cadence.importing.gitlab.job import GitLabJob, script
from cadence.importing.gitlab.rules import mentions_merge_requests
from cadence.importing.gitlab.settings import settings
from cadence.importing.gitlab.variables import Variables, value_of
from cadence.importing.shared.draft import ImportDraft
from cadence.importing.shared.names import UniqueNames, slug
from cadence.importing.shared.report import ImportFailure
from cadence.importing.shared.yaml_source import listed, mapping, plain, texts, whole_number


def from_gitlab(text: str, name: str = "") -> ImportDraft:
    """Converts a file of GitLab CI. Raises ImportFailure if the text is not one."""
    draft = ImportDraft(slug(name or "gitlab-ci", prefix="w"), "Imported from a file of GitLab CI.")
    file = GitLabFile(text, draft.notes)
    if not file.jobs:
        raise ImportFailure("The file has no jobs; what it includes has to be put into it first.", 1)
    return _Pipeline(file, draft).convert()


class _Pipeline:
    def __init__(self, file: GitLabFile, draft: ImportDraft) -> None:
        self._file = file
        self._draft = draft
        self._names = UniqueNames("-", "job")
        self._stage = {name: file.stages.index(plain(job.get("stage", "test"))) for name, job in file.jobs.items()}
        self._parameters()
        self._artifacts: dict[str, Artifacts] = {}

    def convert(self) -> ImportDraft:
        self._file_settings()
        jobs = {name: self._job(name) for name in self._file.jobs}
        before = {name: self._before(name) for name in jobs}
        for name in self._in_order(before):
            self._convert(jobs[name], before[name])
        return self._draft

    def _parameters(self) -> None:
        for name, entry in {**self._file.variables, **self._file.inputs}.items():
            described = mapping(entry)
            if isinstance(entry, dict) and ("description" in described or name in self._file.inputs):
                default = described.get("value", described.get("default", ""))
                choices = texts(described.get("options"))
                words = plain(described.get("description")) + (f" (one of: {', '.join(choices)})" if choices else "")
                settings = {"type": "string", "default": plain(default), "description": " ".join(words.split())[:1000]}
                self._draft.parameter(slug(name, "_", "p"), settings)
        for name in self._file.inputs:
            self._draft.notes.add(
                0, f"$[[ inputs.{name} ]]", "Inputs are put into the file before it is read.",
                f"Use the parameter {slug(name, '_', 'p')} where it stands.",
            )  # fmt: skip

    def _file_settings(self) -> None:
        file, notes = self._file, self._draft.notes
        on: dict[str, Any] = {"push": {}}
        if mentions_merge_requests(file.data):
            on["pull_request"] = {}
        self._draft.settings["on"] = on
        for entry in listed(file.data.get("include")):
            what = (
                entry
                if isinstance(entry, str)
                else ", ".join(f"{key} {plain(value)}" for key, value in mapping(entry).items())
            )
            notes.add(
                file.line(file.data, "include"),
                f"include {what}",
                "Only this file is read.",
                "Put it into this file first.",
            )
        workflow = mapping(file.data.get("workflow"))
        for key in workflow:
            notes.add(
                file.line(workflow, key) or file.line(file.data, "workflow"), f"workflow.{key}",
                "What starts a run is said by `on`.", "Narrow `on` to what is meant.",
            )  # fmt: skip
        if "schedule" in str(workflow) or any(
            "schedule" in str(job.get("rules", job.get("only"))) for job in file.jobs.values()
        ):
            notes.add(0, "schedules", "They are settings of GitLab, not of the file.", "Write them into `on.schedule`.")

    def _job(self, name: str) -> GitLabJob:
        body = self._file.jobs[name]
        treatment = self._draft.treatment(self._names.of(name), self._file.line_of_job(name))
        if treatment.name != name:
            treatment.comments.append(name)
        inherit = mapping(body.get("inherit")).get("variables", True)
        shared = {
            key: value
            for key, value in self._file.variables.items()
            if inherit is True or (isinstance(inherit, list) and key in inherit)
        }
        axes = self._matrix(name, body, treatment.body)
        given = {
            key: f"${{{{ parameters.{slug(key, '_', 'p')} }}}}"
            for key, value in shared.items()
            if isinstance(value, dict) and "description" in value and key not in mapping(body.get("variables"))
        }
        fixed = {"CI": "true", "CI_JOB_NAME": name, "CI_JOB_STAGE": plain(body.get("stage", "test")), "CI_DEFAULT_BRANCH": "main",
                 "GITLAB_CI": "true", **given}  # fmt: skip
        if whole_number(body.get("parallel")) is not None:
            fixed["CI_NODE_TOTAL"] = plain(body["parallel"])
        variables = Variables({**shared, **mapping(body.get("variables"))}, axes, fixed)
        return GitLabJob(
            name=name, body=body, file=self._file, draft=self._draft, treatment=treatment, variables=variables
        )

    def _matrix(self, name: str, body: Mapping[str, Any], treatment: dict[str, Any]) -> dict[str, str]:
        """Fills the matrix of the treatment; returns variables by axis."""
        count = whole_number(body.get("parallel"))
        if count is not None and count > 1:
            treatment["matrix"] = {"ci_node_index": list(range(1, min(count, 200) + 1)), "fail_fast": False}
            return {"CI_NODE_INDEX": "ci_node_index"}
        parallel = mapping(body.get("parallel"))
        entries = [entry for entry in listed(parallel.get("matrix")) if isinstance(entry, dict) and entry]
        if not entries:
            return {}
        names = UniqueNames("_", "axis")
        combinations = [{names.of(key): texts(value) or [""] for key, value in entry.items()} for entry in entries]
        matrix: dict[str, Any] = (
            dict(combinations[0])
            if len(combinations) == 1
            else {"include": [one for entry in combinations for one in _product(entry)]}
        )
        treatment["matrix"] = matrix | {"fail_fast": False}
        return {key: names.of(key) for key in names}

    def _before(self, name: str) -> list[str]:
        """The jobs before this one, by `needs` or by stages."""
        needs = needs_of(self._file.jobs[name])
        if needs is None:
            earlier = [self._stage[other] for other in self._stage if self._stage[other] < self._stage[name]]
            return [other for other in self._stage if earlier and self._stage[other] == max(earlier)]
        found = []
        for need in needs:
            job = plain(need.get("job"))
            if job in self._file.jobs and job != name and not {"pipeline", "project"} & need.keys():
                found.append(job)
            elif need.get("optional") is not True:
                self._draft.notes.add(
                    self._file.line(self._file.jobs[name], "needs") or self._file.line_of_job(name),
                    f"{name}: needs {job or plain(need.get('pipeline') or need.get('project'))}",
                    "It is not a job of this file.", "Do without, or connect an input to where the value comes from.",
                )  # fmt: skip
        return list(dict.fromkeys(found))

    def _in_order(self, before: Mapping[str, list[str]]) -> list[str]:
        try:
            return list(TopologicalSorter(before).static_order())
        except CycleError as error:
            names = error.args[1]
            raise ImportFailure(
                f"Jobs need each other in a circle: {', '.join(names)}.", self._file.line_of_job(names[0])
            ) from None

    def _convert(self, job: GitLabJob, before: list[str]) -> None:
        treatment = job.treatment
        if before:
            treatment.body["after"] = [self._names.of(other) for other in before]
        if "trigger" in job.body:
            self._trigger(job)
        else:
            settings(job)
            self._artifacts[job.name] = published(job)
            script(
                job,
                restore(
                    job, [self._artifacts[other] for other in self._sources(job, before) if other in self._artifacts]
                ),
            )
        condition(job, [self._names.of(other) for other in before])

    def _sources(self, job: GitLabJob, before: list[str]) -> list[str]:
        """The jobs whose artifacts a job receives."""
        needs = needs_of(job.body)
        if needs is not None:
            found = [plain(need.get("job")) for need in needs if need.get("artifacts") is not False]
            found = [name for name in found if name in before]
        else:
            found = [other for other, stage in self._stage.items() if stage < self._stage[job.name]]
        if "dependencies" in job.body:
            wanted = texts(job.body["dependencies"])
            found = [name for name in found if name in wanted]
        return found

    def _trigger(self, job: GitLabJob) -> None:
        value = job.body["trigger"]
        settings = value if isinstance(value, dict) else {"project": plain(value)}
        included = [
            plain(mapping(entry).get("local", entry)) if isinstance(entry, dict) else plain(entry)
            for entry in listed(settings.get("include"))
        ]
        what = plain(settings.get("project")) or (included[0] if included else "child")
        pipeline = slug(what.rpartition("/")[2].removesuffix(".yml").removesuffix(".yaml").removesuffix(".gitlab-ci"))
        variables = mapping(job.body.get("variables"))
        given = {
            slug(name, "_", "p"): job.text(value_of(entry), job.line("variables"), name)
            for name, entry in variables.items()
        }
        parameters = {name: text for name, text in given.items() if text is not None}
        job.treatment.body["trigger"] = {
            "pipeline": pipeline,
            **({"parameters": parameters} if parameters else {}),
            "wait": plain(settings.get("strategy")) in ("depend", "mirror"),
        }
        job.note(
            job.line("trigger"), f"trigger {what}", "The other pipeline is a pipeline of its own here too.",
            f"Import that file and store it as the pipeline {pipeline}.",
        )  # fmt: skip


def _product(entry: Mapping[str, list[str]]) -> list[dict[str, str]]:
    combinations: list[dict[str, str]] = [{}]
    for name, values in entry.items():
        combinations = [{**one, name: value} for one in combinations for value in values][:200]
    return combinations
