"""What the end of a command means, in plain words, as far as that can be told without knowing the command."""

import signal
from collections.abc import Mapping
from dataclasses import dataclass

from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.runners.runner import Runner, RunnerResult
from cadence.domain.runs.run import Treatment
from cadence.domain.runs.states import TreatmentState

_MEGABYTE = 1_000_000
# A command is killed before it has quite as much as its limit.
_NEARLY = 0.9
_CODES = {
    124: "this is how `timeout` says that the time was over",
    126: "the shell found the command but may not execute it: is it a program for this machine, and executable?",
    127: "the shell found no such command: it is not installed in this image or on this machine, or not on PATH",
    128: "git and ssh end like this when they cannot reach, or may not read, what they were asked for",
}
_SIGNALS = {
    "SIGSEGV": "it used memory that is not its own: a fault in the program or in a library that it calls",
    "SIGABRT": "it stopped itself after finding something wrong, as after a failed assertion",
    "SIGBUS": "it read a file that had become shorter, or the disk or shared memory was full",
    "SIGILL": "it has instructions that this processor does not know: was it built for another one?",
    "SIGFPE": "it divided by zero",
    "SIGPIPE": "it wrote to a pipe that nobody read any more",
    "SIGTERM": "something asked it to end",
}


@dataclass(frozen=True)
class ExitExplanation:
    """How a command ended; `signal` is a name."""

    exit_code: int | None
    signal: str | None


def ending(treatment: Treatment, result: RunnerResult | None) -> ExitExplanation:
    """By its exit code, or by the signal that killed it or, as shells tell it, one of its own commands."""
    if result and result.signal is not None:
        return ExitExplanation(treatment.exit_code, signal_name(result.signal))
    code = treatment.exit_code if treatment.exit_code is not None else (result.exit_code if result else None)
    return ExitExplanation(code, signal_name(code - 128) if code is not None and code > 128 else None)


def explanations(treatment: Treatment, spec: TreatmentSpec, runner: Runner | None) -> tuple[str, ...]:
    """Sentences that help whoever looks for the cause; none for what has not failed."""
    if treatment.state is TreatmentState.TIMED_OUT:
        return (f"It may run for {spec.max_duration} s (`max_duration`).",)
    if treatment.state is TreatmentState.LOST:
        return (_about_lost(treatment, spec),)
    if treatment.state is not TreatmentState.FAILED:
        return ()
    result = runner.result if runner else None
    how = ending(treatment, result)
    said: list[str] = []
    if how.signal == "SIGKILL":
        said.append(_about_killed(spec, result, runner.facts if runner else {}))
    elif how.signal in _SIGNALS:
        said.append(f"{how.signal}: {_SIGNALS[how.signal]}.")
    elif how.exit_code in _CODES:
        said.append(f"Exit code {how.exit_code}: {_CODES[how.exit_code]}.")
    return tuple(said)


def _about_killed(spec: TreatmentSpec, result: RunnerResult | None, facts: Mapping[str, object]) -> str:
    peak = (result.usage.get("memory_peak", 0) if result else 0) / _MEGABYTE
    if spec.memory and peak >= _NEARLY * spec.memory:
        return f"It was killed with {peak:.0f} MB of memory, of the {spec.memory} MB that it may have: give it more (`memory`)."
    there = facts.get("memory")
    if isinstance(there, int | float) and peak >= _NEARLY * there:
        return f"It was killed with {peak:.0f} MB of memory, of the {there:.0f} MB that the machine has."
    limit = f" (its limit is {spec.memory} MB; the most that was seen is {peak:.0f} MB)" if spec.memory else ""
    return f"SIGKILL comes from outside, most often from the kernel when memory runs out{limit}."


def _about_lost(treatment: Treatment, spec: TreatmentSpec) -> str:
    tried = treatment.infrastructure_failures + 1
    said = "Its runner went away before it could tell how the command ended; what it had not sent by then is lost."
    if spec.retry.infrastructure:
        return f"{said} It was tried {tried} time{'s' * (tried != 1)} (`retry.infrastructure: {spec.retry.infrastructure}`)."
    return f"{said} With `retry: {{infrastructure: 1}}` it would be tried again."


def signal_name(number: int) -> str | None:
    """`SIGKILL` for 9; None for what is no signal."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return None
