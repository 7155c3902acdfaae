"""Which role may call which route, as a table for docs/access-matrix.md.

Printed by ``python -m api.access_matrix``. A test calls every route with every role and compares.
"""

from api.endpoint import ANY_TOKEN, PUBLIC
from api.routes import ENDPOINTS
from cadence.domain.access.roles import BUILT_IN_ROLES

_HEAD = """\
# Roles and routes

This page is generated from the routes' declarations: `python -m api.access_matrix`. A test calls every route with every
role and compares the answers with it.

A role that has the permission (•) is answered if it is granted **for** what the column *for* names, or above it
([People and access](access.md#scopes)). `anywhere`: one grant at any scope is enough, and the answer has what the
caller may see.

- **Own project**, and a project **shared** by another organization: with • the route answers, without it answers 403.
- **Foreign project**: without • the route answers 403, with • exactly as for a project that does not exist.
- A role for a project gives nothing **for the organization**: 403.

Tokens without a member or service account have the permissions that they list, for one project or all.

"""


def page() -> str:
    """Returns the page."""
    roles = list(BUILT_IN_ROLES)
    lines = [f"| route | permission | for | {' | '.join(roles)} |", "|---" * (len(roles) + 3) + "|"]
    for endpoint in sorted(ENDPOINTS, key=lambda one: (one.path, one.method)):
        permission = str(endpoint.permission)
        free = permission in (PUBLIC, ANY_TOKEN)
        marks = ["•" if free or permission in BUILT_IN_ROLES[role] else " " for role in roles]
        shown = {PUBLIC: "none, not even a token", ANY_TOKEN: ANY_TOKEN}.get(permission, f"`{permission}`")
        where = "" if free else endpoint.scope
        lines.append(f"| `{endpoint.method} {endpoint.path}` | {shown} | {where} | {' | '.join(marks)} |")
    return _HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")
