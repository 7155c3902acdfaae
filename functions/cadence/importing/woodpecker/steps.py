"""Steps of Woodpecker as named steps of treatments: their scripts, conditions and variables."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cadence.importing.shared.shell import (
    NOT_CARRIED_OVER,
    exports,
    needed_variables,
    stop_without,
    used_variables,
)
from cadence.importing.shared.yaml_source import plain
from cadence.importing.woodpecker.conditions import (
    ConditionError,
    WhenOfStep,
    either,
    entries,
    entry_condition,
    statuses,
)
from cadence.importing.woodpecker.file import WoodpeckerFile, WrittenStep
from cadence.importing.woodpecker.settings import WorkflowSettings
from cadence.importing.woodpecker.variables import (
    FIXED,
    IN_SCRIPT,
    NEAR,
    WoodpeckerVariables,
    for_shell,
    needs_bash_for_variables,
    put_in_beforehand,
)

_ELSEWHERE = frozenset({"name", "image", "commands", "environment", "secrets", "when", "depends_on", "settings", "pull", "failure",
                        "directory", "detach"})  # fmt: skip


@dataclass(kw_only=True)
class ConvertedStep:
    """A step of a treatment: `image` and `secrets` decide in which treatment it can be."""

    written: WrittenStep
    when: WhenOfStep
    script: str
    image: str | None
    env: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    soft_fail: bool = False
    shell: str = ""
    anywhere: bool = False

    def body(self, name: str, *, alone: bool) -> dict[str, Any]:
        """The step in a document; `alone` leaves out what its treatment says for it."""
        found: dict[str, Any] = {"name": name}
        if self.when.cel and not alone:
            found["when"] = False if self.when.cel == "false" else f"${{{{ {self.when.cel} }}}}"
        if self.when.after_failure and not alone:
            found["always" if self.when.after_success else "on_failure"] = True
        if self.soft_fail:
            found["soft_fail"] = True
        if self.shell:
            found["shell"] = self.shell
        if self.env:
            found["env"] = self.env
        return {**found, "run": self.script}


class StepConverter:
    """Converts the steps of a workflow one by one."""

    def __init__(self, file: WoodpeckerFile, settings: WorkflowSettings, variables: WoodpeckerVariables) -> None:
        self._file = file
        self._settings = settings
        self._variables = variables

    def convert(self, step: WrittenStep) -> ConvertedStep | None:
        """The step; None if nothing of it is carried over, which the report states."""
        for key in step.body:
            if key not in _ELSEWHERE:
                self._note(step, key, key, "A step has no such setting.", "Do without it.")
        when = self._when(step)
        soft = plain(step.body.get("failure")) == "ignore"
        if step.is_plugin or step.body.get("detach") is True:
            return self._left_out(step, when, soft)
        env, secrets = self._settings.environment(step)
        script = self._script(step, env, secrets)
        commands = "\n".join(step.commands)
        bash = needs_bash_for_variables(commands)
        if bash:
            self._note(
                step, "commands", "${…} with a change", "Woodpecker changes the value beforehand; here bash does.",
                "Use an image that has bash, or change the value another way.",
            )  # fmt: skip
        return ConvertedStep(
            written=step, when=when, script=script, image=self._settings.image(step), env=env, secrets=secrets,
            soft_fail=soft, shell="bash -e" if bash else "",
        )  # fmt: skip

    def _note(self, step: WrittenStep, key: str, what: str, why: str, todo: str) -> None:
        self._settings.note(self._file.line(step.body, key) or step.line, f"{step.name}: {what}", why, todo)

    def _left_out(self, step: WrittenStep, when: WhenOfStep, soft: bool) -> ConvertedStep | None:
        image = plain(step.body.get("image")) or "nothing"
        plugin = step.is_plugin
        why = "Plugins are programs of Woodpecker" if plugin else "A step ends before the next one begins"
        what = f"the plugin {image}" if "settings" in step.body else f"{image} without commands" if plugin else "detach"
        todo = "Do what it does by commands" if plugin else "Make it a service, or start it in the step that needs it"
        if when.after_failure:
            self._note(step, "image", what, f"{why}; this one is left out.", f"{todo}.")
            return None
        self._note(step, "image", what, f"{why}; the run stops here.", f"{todo}, or delete the step.")
        words = shlex.quote(f"{step.name} ({' '.join(image.split())[:100]}) {NOT_CARRIED_OVER}")
        script = f"echo {words} >&2; exit 1\n".replace("${{", "$ {{")
        return ConvertedStep(written=step, when=when, script=script, image=None, soft_fail=soft, anywhere=True)

    def _when(self, step: WrittenStep) -> WhenOfStep:
        if "when" not in step.body:
            return WhenOfStep()
        found = []
        states: list[set[str]] = []
        for entry in entries(step.body["when"]):
            try:
                found.append(entry_condition(entry, self._variables))
                states.append(statuses(entry))
            except ConditionError as error:
                self._note(
                    step, "when", f"when: {', '.join(entry)}", f"The condition cannot be translated: {error}.",
                    "The step does not run because of it; write `when` by hand.",
                )  # fmt: skip
        if len(set(found)) > 1 and any(state != states[0] for state in states):
            self._note(
                step, "when", "when: status", "Its alternatives have different states and conditions.",
                "The step does not run; write `when` by hand.",
            )  # fmt: skip
            found = []
        cel = either(found) if found or entries(step.body["when"]) else ""
        if cel == "false":
            return WhenOfStep(cel=cel)
        wanted = set().union(*states) or {"success"}
        return WhenOfStep(cel=cel, after_success="success" in wanted, after_failure="failure" in wanted)

    def _script(self, step: WrittenStep, env: dict[str, Any], secrets: Mapping[str, str]) -> str:
        written = "\n".join(text.rstrip("\n") for text in step.commands)
        body = for_shell(written)
        used = used_variables(body) | put_in_beforehand(written)
        self._add_variables(step, env, used, put_in_beforehand(written) - env.keys() - secrets.keys())
        lines = exports({name: word for name, word in IN_SCRIPT.items() if name in used})
        missing = sorted(
            name for name in used
            if name.startswith(("CI_", "DRONE_")) and name not in env and name not in IN_SCRIPT and name not in secrets
        )  # fmt: skip
        for name in missing:
            self._note(step, "commands", f"${name}", "Cadence sets no such variable.", "Set it, or do without it.")
        lines += [stop_without(name) for name in missing if name in needed_variables(body)]
        if folder := plain(step.body.get("directory")).removeprefix("${CI_WORKSPACE}/"):
            text = self._settings.text(folder, step.line, f"{step.name}: directory")
            lines.append(
                f"cd {shlex.quote(text)}" if text and "${{" not in text else "exit 1  # the directory is not known"
            )
        if "${{" in body:
            self._note(
                step, "commands", "${{ in commands", "That begins an expression of Cadence.", "Write it another way."
            )
        return "\n".join([*lines, body]).rstrip("\n").replace("${{", "$ {{") + "\n"

    def _add_variables(self, step: WrittenStep, env: dict[str, Any], used: set[str], beforehand: set[str]) -> None:
        if used & IN_SCRIPT.keys() - {"CI_WORKSPACE"}:
            used = used | {"CI_REPO"}
        for name in sorted(used - env.keys()):
            found = self._variables.expression(name)
            if name == "CI_STEP_NAME":
                env[name] = step.name
            elif found is not None:
                env[name] = f"${{{{ {found} }}}}"
            elif name in FIXED:
                env[name] = FIXED[name]
            elif name in beforehand and not name.startswith("CI_"):
                self._note(
                    step, "commands", f"${{{name}}}", "Woodpecker puts nothing in its place; here the shell has it.",
                    "Check where it is used.",
                )  # fmt: skip
            if name in NEAR:
                self._note(step, "commands", f"${name}", NEAR[name], "Check where it is used.")
