"""A job of a GitHub Actions workflow while it is converted: what its steps add to it, and the scope of its
expressions.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cadence.importing.github.cel import TranslationScope, expression, translated
from cadence.importing.github.expressions import GitHubExpressionError, MemberAccess, parse
from cadence.importing.github.service_addresses import ServiceAddresses, port_variable
from cadence.importing.github.templates import only_expression, split
from cadence.importing.shared.draft import ImportDraft, ImportedTreatment
from cadence.importing.shared.names import variable
from cadence.importing.shared.shell import NOT_CARRIED_OVER, missing, put_in, quoted
from cadence.importing.shared.yaml_source import YamlSource, plain

STEP_OUTPUT = "step_output"
_OF_SCRIPTS = ("steps.", "needs.", "secrets.", "github.token", "runner.temp", "github.workspace", "job.services.")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass
class Artifact:
    """An artifact that a job uploads: its output port, and the path that it is restored to (empty: its tar is
    unpacked).
    """

    port: str
    restored: str
    packed: bool = False


@dataclass(kw_only=True)
class GitHubJob:
    """A job while it is converted into a treatment. `scope` is the scope of its expressions.

    `never` means that the treatment does not run until it is changed by hand.
    """

    id: str
    body: Mapping[str, Any]
    source: YamlSource
    draft: ImportDraft
    treatment: ImportedTreatment
    scope: TranslationScope
    outputs_of_needs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    available: Mapping[str, tuple[ImportedTreatment, Artifact]] = field(default_factory=dict)
    services: ServiceAddresses = field(default_factory=ServiceAddresses)
    artifacts: dict[str, Artifact] = field(default_factory=dict)
    exported: dict[str, str] = field(default_factory=dict)
    missing_env: set[str] = field(default_factory=set)
    step_ids: dict[str, str] = field(default_factory=dict)
    outputs_of_actions: dict[str, frozenset[str]] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    needed_outputs: dict[tuple[str, str], str] = field(default_factory=dict)
    passed_outputs: dict[str, tuple[str, str]] = field(default_factory=dict)
    items: dict[str, str] = field(default_factory=dict)
    """The input with the item of an instance, by the axis whose values are known only when another job has ended."""
    beginning: list[str] = field(default_factory=list)
    """Lines of a step before all others."""
    never: bool = False
    home: bool = False
    uses_step_outputs: bool = False
    _expressions: dict[str, str] = field(default_factory=dict)

    @property
    def env(self) -> dict[str, Any]:
        found: dict[str, Any] = self.treatment.body.setdefault("env", {})
        return found

    def line(self, container: Any, key: str | int | None = None) -> int:
        return self.source.line(container, key) or self.treatment.line

    def note(self, line: int, what: str, why: str, todo: str) -> None:
        self.draft.notes.add(line, f"jobs.{self.id}: {what}", why, todo)

    def translate(self, text: str, line: int, where: str) -> str | None:
        """A text with its expressions translated; `None` and a note if one has no counterpart."""
        try:
            return translated(text, self.scope)
        except GitHubExpressionError as error:
            self.note(line, f"{where} {text}", f"The expression cannot be translated: {error}.", "Write the value out.")
            return None

    def in_script(self, script: str, line: int) -> str:
        """A script with a shell variable for each expression."""
        parts = split(script)
        converted = parts[0]
        for index in range(1, len(parts), 2):
            converted += self._reference(parts[index].strip(), converted, line) + parts[index + 1]
        return converted

    def in_quotes(self, text: str, line: int) -> str:
        """A text with expressions as one shell word in double quotes."""
        parts = split(text)
        words = [
            quoted(part)[1:-1] if index % 2 == 0 else self._reference(part.strip(), "", line)
            for index, part in enumerate(parts)
        ]
        return f'"{"".join(words)}"'

    def _reference(self, text: str, before: str, line: int) -> str:
        if text in self._expressions:
            return put_in(before, len(before), self._expressions[text])
        special = self._special(text)
        if special is not None:
            return special if special.startswith("$(") or not special else put_in(before, len(before), special)
        try:
            cel = expression(text, self.scope)
        except GitHubExpressionError as error:
            self.note(
                line, f"${{{{ {text} }}}}", f"It cannot be translated: {error}.",
                "The script stops where it is used; write the value, or an environment variable, in its place.",
            )  # fmt: skip
            return missing(text)
        if cel.startswith('"') and cel.count('"') == 2 and "\\" not in cel and "'" not in cel:
            return cel[1:-1]
        if cel.startswith("matrix.") and cel.count(".") == 1:
            name = "CADENCE_MATRIX_" + cel[7:]
        else:
            name = self._fresh_variable(text)
            self.env[name] = f"${{{{ {cel} }}}}"
        self._expressions[text] = name
        return put_in(before, len(before), name)

    def _fresh_variable(self, text: str) -> str:
        name = variable(text)
        while name in self.env or name in self.treatment.body.get("secrets", {}):
            name += "_"
        return name

    def _special(self, text: str) -> str | None:
        """A value that is known only when the job runs: a secret, or an output of a step or another job."""
        try:
            node = parse(text)
        except GitHubExpressionError:
            return None
        if not isinstance(node, MemberAccess):
            return None
        if (secret := _secret(node)) is not None:
            return self.secret(secret)
        return self._of_run(node)

    def _of_run(self, node: MemberAccess) -> str | None:
        match node.path:
            case ("github", "workspace"):
                return "$(pwd)"
            case ("runner", "temp"):
                return '$(dirname "$(mktemp -u)")'
            case ("steps", str(step), "outputs", str(name)) if (
                step in self.step_ids and name in self.outputs_of_actions.get(step, {name})
            ):
                self.uses_step_outputs = True
                return f"$({STEP_OUTPUT} {self.step_ids[step]} {name})"
            case ("needs", str(job), "outputs", str(name)) if name in self.outputs_of_needs.get(job, ()):
                return f'$(cat "$CADENCE_IN_{self.needed(job, name)}")'
            case ("matrix", str(axis)) if axis in self.items:
                return f'$(cat "$CADENCE_IN_{self.items[axis]}")'
            case ("job", "services", str(name), "ports", str(port)):
                return port_variable(name, port)
            case ("env", str(name)) if (
                name in self.exported or name not in self.scope.env or "${{" in plain(self.scope.env[name])
            ):
                return name
            case _:
                return None

    def secret(self, name: str) -> str:
        """The environment variable in which the script finds a secret."""
        secrets = self.treatment.body.setdefault("secrets", {})
        taken = name in self.env
        wanted = f"SECRET_{name}" if taken else name
        secrets[wanted] = name
        return wanted

    def needed(self, job: str, output: str) -> str:
        """The input port with an output of another job."""
        key = job, output
        if key not in self.needed_outputs:
            self.needed_outputs[key] = self.treatment.input(f"{job}_{output}", "Block<string>")
        return self.needed_outputs[key]

    def variables(self, env: Mapping[str, Any], of_step: dict[str, str] | None = None) -> dict[str, str]:
        """Environment variables: those of the job go to the treatment, those of a step to `of_step`. Returned are those
        that a script must export itself.
        """
        of_job = of_step is None
        exported: dict[str, str] = {}
        for name, value in env.items():
            text, line = plain(value), self.line(env, name)
            if name.startswith("CADENCE_"):
                self.note(
                    line, f"env.{name}", "Names that begin with CADENCE_ are Cadence's own.", "Rename the variable."
                )
                continue
            secret = self._only_secret(text)
            if secret is not None and (of_job or name not in self.env):
                self.treatment.body.setdefault("secrets", {})[name] = secret
            elif self.services.in_word(name, text, text) is not None:
                word = self.in_quotes(text, line)
                exported[name] = self.services.in_word(name, text, word) or word
            elif of_step is not None and _NAME.fullmatch(name) and (fixed := self._fixed(text)) is not None:
                of_step[name] = fixed
            elif not of_job or ("${{" in text and self._needs_script(text)):
                exported[name] = self.in_quotes(text, line)
                if of_job and NOT_CARRIED_OVER in exported[name]:  # only scripts that use it stop
                    del exported[name]
                    self.missing_env.add(name)
            else:
                value_text = self.translate(text, line, f"env.{name}:") if "${{" in text else value
                if value_text is not None:
                    self.env[name] = value_text if isinstance(value_text, str | int | bool) else plain(value_text)
                else:
                    self.missing_env.add(name)
        return exported

    def _fixed(self, text: str) -> str | None:
        """A value that is known when a run starts; `None` if only the script knows it."""
        try:
            return None if self._needs_script(text) else translated(text, self.scope)
        except GitHubExpressionError:
            return None

    def _only_secret(self, text: str) -> str | None:
        node = only_expression(text)
        return _secret(node) if isinstance(node, MemberAccess) else None

    def _needs_script(self, text: str) -> bool:
        of_items = tuple(f"matrix.{axis}" for axis in self.items)
        return any(part.strip().startswith((*_OF_SCRIPTS, *of_items)) for part in split(text)[1::2])

    def with_env(self, env: Mapping[str, Any]) -> TranslationScope:
        return replace(self.scope, env={**self.scope.env, **env})


def _secret(node: MemberAccess) -> str | None:
    match node.path:
        case ("secrets", str(name)):
            return name
        case ("github", "token"):
            return "GITHUB_TOKEN"
        case _:
            return None
