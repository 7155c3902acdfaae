"""The permissions and the routes that need them, as a table for docs/security.md.

Printed by ``python -m api.permission_table``.
"""

from collections import defaultdict

from api.endpoint import PUBLIC, SIGNED_IN
from api.routes import ENDPOINTS
from cadence.domain.access.access import Permission

_ELSEWHERE = {
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
_ANYBODY = "none, but a valid token"
_NAMES = {PUBLIC: _NOBODY, SIGNED_IN: _ANYBODY}


def table() -> str:
    routes: defaultdict[str, list[str]] = defaultdict(list)
    for endpoint in ENDPOINTS:
        name = _NAMES.get(str(endpoint.permission), str(endpoint.permission))
        routes[name].append(f"`{endpoint.method} {endpoint.path}`")
    for permission, elsewhere in _ELSEWHERE.items():
        routes[permission] += elsewhere
    rows = [
        f"| {name if name in _NAMES.values() else f'`{name}`'} | {', '.join(sorted(routes[name]))} |"
        for name in (*Permission, _ANYBODY, _NOBODY)
    ]
    return "\n".join(["| permission | routes |", "|---|---|", *rows]) + "\n"


if __name__ == "__main__":
    print(table(), end="")
