"""CPU time to decide whether a caller may do something, and what deciding adds to the import of a Lambda.

A decision is what each request makes once its token, its holder and the grants have been read: the principal is built
from the grants of the organization, and the permission is sought at the scope of what the request names.
"""

import random
import resource
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime

from bench.figures import ROOT, Goal, Report, percentile
from cadence.application.access.authenticate import principal_of, require
from cadence.application.access.people_ports import Holder
from cadence.application.access.ports import Credentials
from cadence.domain.access.access import ApiToken, Permission
from cadence.domain.access.people import AccessPolicy, Grant, Subject
from cadence.domain.access.roles import BUILT_IN_ROLES
from cadence.domain.access.scopes import project_scope

GOALS = {10: 500, 1_000: 5_000}
"""Microseconds for the slowest per cent, by the number of grants."""
DECISIONS = 5_000
IMPORTED = "cadence.application.access.authenticate"
_AT = datetime(2026, 1, 1, tzinfo=UTC)


def measure() -> Report:
    report = Report(f"Decisions on access in CPU time ({DECISIONS:,} each), and the import of {IMPORTED}")
    for grants, goal in GOALS.items():
        taken = decision_microseconds(grants)
        name = f"decision among {grants:,} grants of the organization"
        report.add(f"{name}, median", statistics.median(taken), "µs")
        report.add(f"{name}, p99", percentile(taken, 99), "µs", Goal(goal))
    report.add("import beyond the bare interpreter, median of 5", import_milliseconds(), "ms")
    report.notes.append(
        "Half of the questions are refused. One read of DynamoDB comes before each and is not included."
    )
    return report


def decision_microseconds(grants: int) -> list[float]:
    """Returns the times of decisions for a member of three teams, in an organization with so many grants."""
    stored = credentials(grants)
    choose = random.Random(17)
    taken = []
    for _ in range(DECISIONS):
        permission = choose.choice([Permission.RUNS_READ, Permission.RUNS_START, Permission.SECRETS_WRITE])
        thing = project_scope(f"project-{choose.randrange(2 * grants)}")
        began = time.thread_time_ns()
        principal = require(principal_of(stored, None), Permission.RUNS_READ)
        principal.has(permission, thing)
        taken.append((time.thread_time_ns() - began) / 1_000)
    return taken


def credentials(grants: int) -> Credentials:
    """Returns a token of a member whose teams have a third of the grants."""
    member = Subject.parse(f"member:{'0' * 26}")
    token = ApiToken(
        token_id="1" * 26,
        organization="acme",
        project="*",
        name="laptop",
        secret_sha256="",
        permissions=frozenset("*"),
        created_at=_AT,
        created_by="bench",
        subject=str(member),
    )
    roles = sorted(set(BUILT_IN_ROLES) - {"auditor"})
    listed = tuple(
        Grant(
            grant_id=str(number),
            subject=Subject.parse(f"team:team-{number % 9}"),
            role=roles[number % len(roles)],
            scope=project_scope(f"project-{number}"),
            created_at=_AT,
            created_by="bench",
        )
        for number in range(grants)
    )
    teams = frozenset(("team-0", "team-1", "team-2"))
    holder = Holder(organization="acme", subject=member, name="Ada", created_at=_AT, teams=teams)
    return Credentials(token, holder, AccessPolicy("acme", 1, {}, listed))


def import_milliseconds(rounds: int = 5) -> float:
    """Returns what the import takes more CPU time than the bare interpreter; the first round fills caches."""

    def once(statement: str) -> float:
        began = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", statement], check=True, cwd=ROOT / "functions")
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime) * 1_000

    bare, imported = (
        statistics.median([once(statement) for _ in range(rounds + 1)][1:])
        for statement in ("pass", f"import {IMPORTED}")
    )
    return imported - bare
