"""Synthesizes the templates for `place=local`, in a separate process since the CDK needs much memory."""

from pathlib import Path

from cadence.local.deployment.subprogram import output_of

_PROGRAM = "from infra.synth import assembly; print(assembly('local'))"


async def synthesize() -> Path:
    """The folder of the assembly; taken from the cache if no source has changed."""
    output = await output_of("The templates could not be synthesized", "-c", _PROGRAM)
    return Path(output.splitlines()[-1])
