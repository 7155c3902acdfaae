"""The permissions and the routes that need them, as a table for docs/security.md.

Printed by ``python -m api.permission_table``.
"""

from collections import defaultdict

from api.endpoint import ANY_TOKEN
from api.routes import ENDPOINTS
from cadence.domain.access.access import Permission

_ELSEWHERE = {
    Permission.AUDIT_READ: ["`PUT /v1/exports/{export}` (of the audit log)"],
    Permission.HOSTS_JOIN: ["`POST /runner/v1/hosts`"],
    Permission.MELODIUM_REPORT: [
        "`POST /0.1/execution/run/{start,launched,ended}`",
        "`POST /0.1/execution/report/…`",
    ],
    Permission.MELODIUM_DISPATCH: [
        "`POST /0.1/execution/run/start` (for a worker)",
        "`GET /0.1/execution/run/{run}/access`",
    ],
}
_NOBODY = "none, not even a token"
_ANY = "any token"


def table() -> str:
    routes: defaultdict[str, list[str]] = defaultdict(list)
    for endpoint in ENDPOINTS:
        name = str(endpoint.permission) if endpoint.permission in {*Permission, ANY_TOKEN} else _NOBODY
        routes[name].append(f"`{endpoint.method} {endpoint.path}`")
    for permission, elsewhere in _ELSEWHERE.items():
        routes[permission] += elsewhere
    rows = [
        f"| {f'`{name}`' if name not in (_ANY, _NOBODY) else name} | {', '.join(sorted(routes[name]))} |"
        for name in (*Permission, _ANY, _NOBODY)
        if routes[name]
    ]
    return "\n".join(["| permission | routes |", "|---|---|", *rows]) + "\n"


if __name__ == "__main__":
    print(table(), end="")
