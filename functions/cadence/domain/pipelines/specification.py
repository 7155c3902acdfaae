"""Specifications of treatments, which make up the plan of a run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from cadence.domain.melodium.element import ElementSpec
from cadence.domain.melodium.specification import EngineSpec
from cadence.domain.pipelines.step_spec import StepSpec


class TreatmentKind(StrEnum):
    """The kind of a treatment for the scheduler. Only a `command` has runners."""

    COMMAND = "command"
    GATHER = "gather"  # the instances of a matrix, as one
    EACH = "each"  # the instances for the elements of a value, created when the elements become known
    TRIGGER = "trigger"  # starts a run of another pipeline
    ELEMENT = "element"  # ran inside an engine: shown, never scheduled


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredContent:
    """Content that no treatment produced, as chunks whose keys are `prefix` and a number of twelve digits."""

    prefix: str
    size: int
    sha256: str
    chunks: int


SOURCE_PORT = "source-tree"
"""The input of a treatment with `source: true`. No port of a document has a dash in its name."""
REPORTS_PORT = "test-reports"
"""The output of a treatment with `reports`: the files with the results of its tests."""


@dataclass(frozen=True, kw_only=True)
class SourceSelection:
    """Which files of a commit a treatment receives.

    `paths` are patterns (none: all files). With `submodules` those of submodules, too; with `lfs` the contents of the
    files that Git LFS keeps, in place of their pointers.
    """

    paths: tuple[str, ...] = ()
    submodules: bool = False
    lfs: bool = False


EVERYTHING = SourceSelection()
"""All files of a commit, as git itself has them."""


@dataclass(frozen=True, kw_only=True)
class InputSpec:
    """An input port and the output that feeds it (`None` for none).

    `literal` is the content of an input that nothing feeds, as written into the port's file; `stored` is such content
    by its digest. `path` is where the input is restored in the working directory: a path that ends in / is a tar
    archive, any other a file. `selection` is that of the input with the files of a commit, `EVERYTHING` if None.
    """

    port: str
    flow: str
    type: str
    source_treatment: str | None = None
    source_port: str | None = None
    literal: str | None = None
    path: str | None = None
    stored: StoredContent | None = None
    selection: SourceSelection | None = None


def input_spec(port: str, flow: str, type: str, source: tuple[str, str] | None) -> InputSpec:  # noqa: A002 (the field's name)
    """Returns the input `port`, fed by `source` (treatment, port), or by nothing if that is `None`."""
    treatment, output = source or (None, None)
    return InputSpec(port=port, flow=flow, type=type, source_treatment=treatment, source_port=output)


@dataclass(frozen=True, kw_only=True)
class OutputSpec:
    """An output port.

    `path` is captured after the command: a glob or a path ending in / as a tar archive, any other as a file.
    `grows` are the `each` treatments that make instances from this output; they are woken when it has more elements.
    An `optional` output is empty if the command did not write its path.
    """

    port: str
    flow: str
    type: str
    path: str | None = None
    grows: tuple[str, ...] = ()
    optional: bool = False


def in_group(treatment: str, group: str) -> bool:
    """Returns whether a treatment is an instance of a group, by its name."""
    return treatment.startswith(f"{group}:")


_LINES = "-lines"  # no port's own name has a dash


def lines_of(port: str) -> str:
    """Returns the group's output that streams its instances' blocks `port`; the output `port` is a list of them."""
    return port + _LINES


def port_of_instances(output: str) -> str:
    """Returns the port of the instances from which an output of their group is made."""
    return output.removesuffix(_LINES)


@dataclass(frozen=True, kw_only=True)
class ServiceSpec:
    """A container beside the treatment's command, reachable by its name.

    Units: intervals and timeouts in seconds, cpu in millicores, memory in MB.
    """

    name: str
    image: str
    env: Mapping[str, str] = field(default_factory=dict)
    command: tuple[str, ...] | None = None
    ports: tuple[int, ...] = ()
    health_command: tuple[str, ...] = ()
    health_interval: int = 2
    health_timeout: int = 60
    volumes: Mapping[str, str] = field(default_factory=dict)
    cpu: int | None = None
    memory: int | None = None


@dataclass(frozen=True)
class CacheSpec:
    """Paths kept between runs under `key` and the hash of `files`; `restore` are prefixes of other accepted keys."""

    key: str
    paths: tuple[str, ...]
    files: tuple[str, ...] = ()
    restore: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SplitSpec:
    """The share of a suite that an instance runs: one of `count` of the files that the glob `files` matches.

    `index` counts from 0.
    """

    files: str
    index: int = 0
    count: int = 1


@dataclass(frozen=True, kw_only=True)
class RetrySpec:
    """The number of further attempts by cause. Only failures with one of `exit_codes` are retried (none: all are).

    `wait` is the longest wait before the second attempt in seconds; it doubles each time up to `max_wait`.
    """

    infrastructure: int = 0
    failure: int = 0
    timeout: int = 0
    exit_codes: tuple[int, ...] = ()
    wait: int = 0
    max_wait: int = 3_600


@dataclass(frozen=True)
class SoftFailSpec:
    """The failures of a treatment that do not fail its run: those with one of `exit_codes` (none: every failure)."""

    exit_codes: tuple[int, ...] = ()


@dataclass(frozen=True)
class TriggerSpec:
    """The run that a treatment starts; with `wait` it ends with that run, in the same state.

    Either of the stored `pipeline`, or of the document that comes through the input `document`.
    """

    pipeline: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    wait: bool = False
    document: str | None = None


@dataclass(frozen=True, kw_only=True)
class TreatmentSpec:
    """A treatment as admitted: immutable, complete, without secrets' values.

    Units: cpu in millicores, memory and storage in MB, durations in seconds. `secrets` maps environment name to secret
    name, `registries` the host of a registry that its images come from to the secret by which they are read.
    `secret_versions` is the version of each pinned secret, by its reference (others: the newest). With `offline` it
    has no network at all. `id_token` is the audience of its identity token (none: it
    gets none). `residency` are the places where it may run (none: anywhere). `when` is a condition over the
    states of the treatments named in `when_over`, decided when the treatment is ready; `never` is the reason why a
    treatment is skipped from the start. `group` is the treatment that gathers this instance, `instances` those that a
    gathering one waits for, in order, `matrix` an instance's own values. `element` describes a treatment inside an
    engine. For an `each` treatment, `each` is the input whose elements become instances and `instance` their template.
    `engine` is the Mélodium engine that the runner starts instead of a script. With `steps` there is no `run`.
    `quarantine` are names of tests, with * for any characters: if no others failed, the treatment succeeds. With
    `split` it runs a share of a suite. A group has `soft_fail` if an instance does.
    """

    name: str
    run: str = ""
    steps: tuple[StepSpec, ...] = ()
    kind: TreatmentKind = TreatmentKind.COMMAND
    shell: str = "sh"
    image: str | None = None
    inputs: tuple[InputSpec, ...] = ()
    outputs: tuple[OutputSpec, ...] = ()
    stdin: str | None = None
    stdout: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    registries: Mapping[str, str] = field(default_factory=dict)
    secret_versions: Mapping[str, int] = field(default_factory=dict)
    offline: bool = False
    pools: tuple[str, ...] = ()
    cpu: int | None = None
    memory: int | None = None
    storage: int | None = None
    arch: str | None = None
    residency: tuple[str, ...] = ()
    max_duration: int = 3_600
    after: tuple[str, ...] = ()
    retry: RetrySpec = RetrySpec()
    soft_fail: SoftFailSpec | None = None
    services: tuple[ServiceSpec, ...] = ()
    volumes: Mapping[str, str] = field(default_factory=dict)
    caches: tuple[CacheSpec, ...] = ()
    quarantine: tuple[str, ...] = ()
    split: SplitSpec | None = None
    environment: str | None = None
    id_token: str | None = None
    when: str | None = None
    when_over: tuple[str, ...] = ()
    never: str | None = None
    group: str | None = None
    matrix: Mapping[str, Any] = field(default_factory=dict)
    instances: tuple[str, ...] = ()
    fail_fast: bool = True
    parallel: int | None = None
    each: str | None = None
    instance: "TreatmentSpec | None" = None
    trigger: TriggerSpec | None = None
    priority: int = 0
    element: ElementSpec | None = None
    engine: EngineSpec | None = None


class ConcurrencyPolicy(StrEnum):
    """The action of a run that starts while another run of its concurrency group is active."""

    QUEUE = "queue"  # waits its turn
    CANCEL_RUNNING = "cancel-running"  # cancels the running and the waiting runs, then runs
    DROP = "drop"  # ends at once
