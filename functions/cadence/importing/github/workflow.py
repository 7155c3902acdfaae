"""Workflows of GitHub Actions: jobs become treatments, their steps one script."""

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from cadence.importing.github.all_green import all_green
from cadence.importing.github.cel import TranslationScope, translated
from cadence.importing.github.composite import CompositeActions, ReadAction
from cadence.importing.github.expressions import GitHubExpressionError
from cadence.importing.github.job import Artifact, GitHubJob
from cadence.importing.github.matrix import matrix
from cadence.importing.github.reusable import write_trigger
from cadence.importing.github.service_addresses import addresses_of
from cadence.importing.github.settings import settings
from cadence.importing.github.steps import write_steps
from cadence.importing.github.templates import axis_name
from cadence.importing.github.triggers import dispatched, triggers
from cadence.importing.shared.draft import ImportDraft, ImportedTreatment
from cadence.importing.shared.names import UniqueNames, slug
from cadence.importing.shared.report import ImportFailure
from cadence.importing.shared.yaml_source import YamlSource, mapping, plain, texts

_KNOWN = frozenset({"name", "on", "true", "env", "jobs", "concurrency", "defaults", "run-name", "permissions"})


def from_github(text: str, name: str = "", read_action: ReadAction = lambda _: None) -> ImportDraft:
    """Converts a workflow of GitHub Actions. Raises ImportFailure if the text is not one."""
    source = YamlSource(text)
    data = source.data
    if not isinstance(data.get("jobs"), dict) or not data["jobs"]:
        raise ImportFailure("A workflow of GitHub Actions has `jobs`; this file has none.", 1)
    draft = ImportDraft(
        slug(plain(data.get("name")) or name or "workflow", prefix="w"), "Imported from a workflow of GitHub Actions."
    )
    source.tell_misreadings(draft.notes)
    actions = CompositeActions(source, read_action)
    for body in data["jobs"].values():
        if isinstance(body, dict):
            actions.put_in_place(body)
            actions.expand(body)
    return _Workflow(source, draft).convert()


class _Workflow:
    def __init__(self, source: YamlSource, draft: ImportDraft) -> None:
        self._source = source
        self._draft = draft
        self._data = source.data
        self._parameters, self._booleans = triggers(source, self._data, draft)
        names = UniqueNames("-", "job")
        self._names = {job: names.of(job) for job in self._data["jobs"]}
        self._jobs: dict[str, GitHubJob] = {}

    def convert(self) -> ImportDraft:
        self._settings()
        jobs = self._data["jobs"]
        needs = {name: self._needs(name, mapping(body)) for name, body in jobs.items()}
        for name in jobs:
            self._draft.treatment(self._names[name], self._source.line(jobs, name))
        for name in self._in_order(needs):
            self._convert(name, mapping(jobs[name]), needs)
        return self._draft

    def _settings(self) -> None:
        for key in self._data:
            if key not in _KNOWN or key in ("permissions", "run-name"):
                self._draft.notes.add(
                    self._source.line(self._data, key), key, "A pipeline has no such setting.", "Do without it."
                )  # fmt: skip
        concurrency = self._data.get("concurrency")
        if concurrency is None:
            return
        settings = concurrency if isinstance(concurrency, dict) else {"group": concurrency}
        line = self._source.line(self._data, "concurrency")
        try:
            group = translated(plain(settings.get("group")), TranslationScope(parameters=self._parameters))
        except GitHubExpressionError as error:
            self._draft.notes.add(
                line, "concurrency", f"The group cannot be translated: {error}.", "Write `concurrency` by hand."
            )
            return
        cancels = settings.get("cancel-in-progress", False)
        if isinstance(cancels, str):
            self._draft.notes.add(line, f"cancel-in-progress: {cancels}", "The policy is fixed.", "Choose one.")
        policy = "cancel-running" if cancels not in (False, "false") else "queue"
        self._draft.settings["concurrency"] = {"group": group, "policy": policy}

    def _needs(self, name: str, body: Mapping[str, Any]) -> list[str]:
        found = []
        for other in texts(body.get("needs")):
            if other in self._names and other != name:
                found.append(other)
            else:
                line = self._source.line(body, "needs")
                self._draft.notes.add(line, f"jobs.{name}: needs {other}", "There is no such job.", "Correct the name.")
        return list(dict.fromkeys(found))

    def _in_order(self, needs: Mapping[str, list[str]]) -> list[str]:
        try:
            return list(TopologicalSorter(needs).static_order())
        except CycleError as error:
            names = error.args[1]
            line = self._source.line(self._data["jobs"], names[0])
            raise ImportFailure(f"Jobs need each other in a circle: {', '.join(names)}.", line) from None

    def _convert(self, name: str, body: Mapping[str, Any], needs: Mapping[str, list[str]]) -> None:
        treatment = self._draft.treatments[self._names[name]]
        env = {**mapping(self._data.get("env")), **mapping(body.get("env"))}
        scope = TranslationScope(
            needs={other: self._names[other] for other in needs[name]},
            env=env,
            parameters=self._parameters,
            axes={axis: axis_name(axis) for axis in _axes(body)},
            booleans=self._booleans,
            job=name,
            dispatched=dispatched(self._data),
        )
        job = self._jobs[name] = GitHubJob(
            id=name,
            body=body,
            source=self._source,
            draft=self._draft,
            treatment=treatment,
            scope=scope,
            outputs_of_needs={other: self._jobs[other].outputs for other in needs[name]},
            available=self._available(name, needs),
            services=addresses_of(body),
        )
        all_green(job)
        matrix(job)
        if body.get("name") and slug(plain(body["name"])) != treatment.name and "${{" not in plain(body["name"]):
            treatment.comments.append(plain(body["name"]))
        if needs[name]:
            treatment.body["after"] = [self._names[other] for other in needs[name]]
        if body.get("uses"):
            write_trigger(job, plain(body["uses"]))
        else:
            self._run(job)
        settings(job)
        if job.never:
            treatment.body["when"] = False
        self._connect_outputs(job)

    def _run(self, job: GitHubJob) -> None:
        for env in (mapping(self._data.get("env")), mapping(job.body.get("env"))):
            exported = job.variables(env)
            job.exported.update(exported)
        defaults = {
            **mapping(mapping(self._data.get("defaults")).get("run")),
            **mapping(mapping(job.body.get("defaults")).get("run")),
        }
        if mapping(job.body.get("container")).get("image") or isinstance(job.body.get("container"), str):
            job.treatment.body["image"] = "pending"
        write_steps(job, defaults)
        if job.treatment.body.get("image") == "pending":
            del job.treatment.body["image"]
        job.treatment.body["shell"] = "bash -eo pipefail"

    def _available(self, name: str, needs: Mapping[str, list[str]]) -> dict[str, tuple[ImportedTreatment, Artifact]]:
        """The artifacts of all jobs before this one."""
        before: dict[str, None] = {}
        pending = list(needs[name])
        while pending:
            other = pending.pop()
            if other not in before:
                before[other] = None
                pending += needs[other]
        found: dict[str, tuple[ImportedTreatment, Artifact]] = {}
        for other in self._jobs:
            if other in before:
                job = self._jobs[other]
                found.update((key, (job.treatment, artifact)) for key, artifact in job.artifacts.items())
        return found

    def _connect_outputs(self, job: GitHubJob) -> None:
        ports = {**{port: output for output, port in job.needed_outputs.items()}, **job.passed_outputs}
        for port, (other, output) in ports.items():
            producer = self._jobs[other]
            self._draft.connect(producer.treatment, producer.outputs[output], job.treatment, port)


def _axes(body: Mapping[str, Any]) -> list[str]:
    matrix = mapping(mapping(body.get("strategy")).get("matrix"))
    axes = [axis for axis in matrix if axis not in ("include", "exclude")]
    for key in ("include", "exclude"):
        entries = matrix.get(key)
        for entry in entries if isinstance(entries, list) else ():
            axes += [name for name in mapping(entry) if name not in axes]
    return axes
