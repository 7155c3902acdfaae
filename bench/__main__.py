"""Runs all benchmarks, or those named: ``python -m bench [NAME …] [--treatments N] [--json FILE]``."""

import argparse
import importlib
import json
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.figures import ROOT, Report, keep_bytecode, machine

BENCHMARKS = (
    "imports",
    "command_line",
    "providers",
    "validation",
    "decisions",
    "stream_agent",
    "control_plane",
    "workflows",
    "webhook",
    "code_host",
    "streams",
    "calls",
    "treatment_calls",
    "scale",
    "search",
    "search_delay",
    "log_flood",
    "dashboard",
)
ARGUMENTS: Mapping[str, Sequence[str]] = {
    "control_plane": ("treatments",),
    "workflows": ("treatments",),
    "scale": ("treatments", "runs", "fan"),
    "search": ("lines",),
    "log_flood": ("flood",),
    "dashboard": ("flood",),
}


def main() -> int:
    """Exit status 1 if a benchmark could not be run; a goal that is missed is only said."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all by default")
    parser.add_argument("--lines", type=int, default=10_000_000, help="log lines that search is measured with")
    parser.add_argument(
        "--treatments", type=int, default=200, help="size of the graph of control_plane, and of each of workflows'"
    )
    parser.add_argument(
        "--flood", type=int, default=3_000_000, help="lines that the command of log_flood and of dashboard prints"
    )
    parser.add_argument("--runs", type=int, default=1_000, help="runs that scale starts at once")
    parser.add_argument(
        "--fan", type=int, default=2_000, help="treatments between the first and the last of scale's fan"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args()
    unknown = set(options.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    keep_bytecode()
    written, failed = [], []
    for name in options.names or BENCHMARKS:
        before = machine()
        report = _measure(name, options)
        if report is None:
            failed.append(name)
            continue
        report.notes.append(f"load of the machine before: {before['load_average'][0]:.2f} on {before['cpus']} CPUs")
        print(f"\n{report}", flush=True)
        written.append({"benchmark": name, "machine": before} | report.as_json())
    if options.json:
        target = ROOT / "bench" / "results" / options.json if options.json.parent == Path() else options.json
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(written, indent=2, ensure_ascii=False) + "\n")
        print(f"\nWritten to {target}")
    if failed:
        print(f"\nCould not be measured: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _measure(name: str, options: argparse.Namespace) -> Report | None:
    module = importlib.import_module(f"bench.{name}")
    arguments = {option: getattr(options, option) for option in ARGUMENTS.get(name, ())}
    try:
        report: Report = module.measure(**arguments)
    except Exception:  # noqa: BLE001 (the other benchmarks still say what they found)
        traceback.print_exc()
        return None
    return report


if __name__ == "__main__":
    sys.exit(main())
