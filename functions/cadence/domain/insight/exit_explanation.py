"""Explanations of a command's end in plain words, as far as they are possible without knowing the command."""

import signal
from collections.abc import Mapping
from dataclasses import dataclass

from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.runners.runner import Runner, RunnerResult
from cadence.domain.runs.run import Treatment
from cadence.domain.runs.states import TreatmentState

_MEGABYTE = 1_000_000
# A command is killed slightly below its limit.
_NEARLY = 0.9
_CODES = {
    124: "`timeout` ends like this when the time is over",
    126: "the shell found the command but may not execute it: is it a program for this machine, and executable?",
    127: "the shell found no such command: it is not installed in this image or on this machine, or not on PATH",
    128: "git and ssh end like this when they cannot reach, or may not read, the repository or host",
}
_SIGNALS = {
    "SIGSEGV": "it used memory that is not its own: a fault in the program or in a library that it calls",
    "SIGABRT": "it stopped itself after finding something wrong, as after a failed assertion",
    "SIGBUS": "it read a file that had become shorter, or the disk or shared memory was full",
    "SIGILL": "it has instructions that this processor does not know: was it built for another one?",
    "SIGFPE": "it divided by zero",
    "SIGPIPE": "it wrote to a pipe whose reader had ended",
    "SIGTERM": "another process requested its end",
}


@dataclass(frozen=True)
class ExitExplanation:
    """The end of a command; `signal` is a name."""

    exit_code: int | None
    signal: str | None


def ending(treatment: Treatment, result: RunnerResult | None) -> ExitExplanation:
    """Returns the end by its exit code or the signal that killed the command.

    Shells report a signal that killed one of their own commands as an exit code above 128.
    """
    if result and result.signal is not None:
        return ExitExplanation(treatment.exit_code, signal_name(result.signal))
    code = treatment.exit_code if treatment.exit_code is not None else (result.exit_code if result else None)
    return ExitExplanation(code, signal_name(code - 128) if code is not None and code > 128 else None)


def explanations(treatment: Treatment, spec: TreatmentSpec, runner: Runner | None) -> tuple[str, ...]:
    """Returns sentences that help to find the cause of a failure; none for what has not failed."""
    if treatment.state is TreatmentState.TIMED_OUT:
        return (f"It may run for {spec.max_duration} s (`max_duration`).",)
    if treatment.state is TreatmentState.LOST:
        return (_about_lost(treatment, spec),)
    if treatment.state is not TreatmentState.FAILED:
        return ()
    result = runner.result if runner else None
    end = ending(treatment, result)
    sentences: list[str] = []
    if end.signal == "SIGKILL":
        sentences.append(_about_killed(spec, result, runner.facts if runner else {}))
    elif end.signal in _SIGNALS:
        sentences.append(f"{end.signal}: {_SIGNALS[end.signal]}.")
    elif end.exit_code in _CODES:
        sentences.append(f"Exit code {end.exit_code}: {_CODES[end.exit_code]}.")
    return tuple(sentences)


def _about_killed(spec: TreatmentSpec, result: RunnerResult | None, facts: Mapping[str, object]) -> str:
    peak = (result.usage.get("memory_peak", 0) if result else 0) / _MEGABYTE
    if spec.memory and peak >= _NEARLY * spec.memory:
        return f"It was killed with {peak:.0f} MB of memory, of the {spec.memory} MB that it may have: give it more (`memory`)."
    available = facts.get("memory")
    if isinstance(available, int | float) and peak >= _NEARLY * available:
        return f"It was killed with {peak:.0f} MB of memory, of the {available:.0f} MB that the machine has."
    limit = f" (its limit is {spec.memory} MB; the measured peak is {peak:.0f} MB)" if spec.memory else ""
    return f"SIGKILL comes from outside, most often from the kernel when memory runs out{limit}."


def _about_lost(treatment: Treatment, spec: TreatmentSpec) -> str:
    attempts = treatment.infrastructure_failures + 1
    loss = "Its runner was lost before it reported how the command ended; output that it had not sent by then is lost."
    if spec.retry.infrastructure:
        return f"{loss} It was tried {attempts} time{'s' * (attempts != 1)} (`retry.infrastructure: {spec.retry.infrastructure}`)."
    return f"{loss} With `retry: {{infrastructure: 1}}` it would be tried again."


def signal_name(number: int) -> str | None:
    """Returns the name of a signal (`SIGKILL` for 9); None for a number that is no signal."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return None
