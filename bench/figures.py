"""What every benchmark answers: figures, each with its goal and its peers measured in the same run."""

import math
import os
import platform
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
_NAME_WIDTH = 52


@dataclass(frozen=True)
class Goal:
    """A bound on a figure, in the figure's own unit."""

    bound: float
    at_least: bool = False

    def met_by(self, value: float) -> bool:
        return value >= self.bound if self.at_least else value <= self.bound

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.bound:g}"


@dataclass(frozen=True)
class Figure:
    """One measured value. `peer` marks what is measured only to compare with."""

    name: str
    value: float
    unit: str
    goal: Goal | None = None
    peer: bool = False

    def __str__(self) -> str:
        name = f"{self.name} (peer)" if self.peer else self.name
        verdict = ""
        if self.goal is not None:
            verdict = f"   goal {self.goal}: {'met' if self.goal.met_by(self.value) else 'MISSED'}"
        return f"  {name:<{_NAME_WIDTH}}{_number(self.value):>12} {self.unit}{verdict}"


@dataclass
class Report:
    """One benchmark's figures; `notes` say what was measured, and what was not and why."""

    title: str
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, name: str, value: float, unit: str, goal: Goal | None = None, *, peer: bool = False) -> None:
        self.figures.append(Figure(name, value, unit, goal, peer))

    def __str__(self) -> str:
        return "\n".join([self.title, *map(str, self.figures), *(f"  – {note}" for note in self.notes)])

    def as_json(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "figures": [
                asdict(figure) | {"met": figure.goal.met_by(figure.value) if figure.goal else None}
                for figure in self.figures
            ],
            "notes": self.notes,
        }


def keep_bytecode() -> None:
    """Let no setting of this shell make every start compile anew: Lambdas and agents keep what was compiled."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used, without that of its children (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(math.ceil(len(ordered) * percent / 100) - 1, 0)]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def machine() -> dict[str, Any]:
    """Where and on what was measured, and how busy it was just then."""
    commit = subprocess.run(
        ["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    ).stdout.strip()
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit or "unknown",
        "cpus": os.cpu_count(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def _number(value: float) -> str:
    if value and abs(value) < 0.1:
        return f"{value:.4f}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.1f}"
