"""Declarations of routes: the address, the permission that it needs, its parameters and its answers.

Routing and the OpenAPI document are both made from these declarations, so that they cannot disagree.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from cadence.domain.access.access import Permission, Principal
from cadence.domain.access.audit import AuditKind

PUBLIC: Final = "public"
"""In place of a permission: the route needs no token."""

ANY_TOKEN: Final = "any token"  # noqa: S105 - no password
"""In place of a permission: the route needs a token, whatever its permissions."""

ANYWHERE: Final = "anywhere"
_SCOPES: Final = {
    "pipeline": "pipeline",
    "run_id": "pipeline",
    "environment": "environment",
    "project": "project",
    "scope": "project",
    "pool": "pool",
}
"""Scopes by the names in a path, the narrowest first."""

JSON: Final = "application/json"


class Model(BaseModel):
    """Base of requests and answers. Models are built at their first use, since most calls need few of them."""

    model_config = ConfigDict(extra="forbid", from_attributes=True, defer_build=True)

    def hands_over_content(self) -> bool:
        """Whether it has something that treatments sent or printed, in answers of routes that are recorded for that."""
        return True


class Body(Model):
    """A request's JSON body: nothing is converted, unknown members are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)


@dataclass(frozen=True)
class Call:
    """One request. `principal` is None on public routes only; `source` is the address that it came from."""

    principal: Principal | None
    headers: Mapping[str, str] = field(default_factory=dict)
    source: str = ""

    @property
    def by(self) -> Principal:
        """The caller of a route that is not public."""
        if self.principal is None:
            raise RuntimeError("a public route has no principal")
        return self.principal

    @property
    def address(self) -> str:
        """The address by which the caller reached the API, such as `https://cadence.example.org`; empty if unknown."""
        host = self.headers.get("host", "")
        if not re.fullmatch(r"[A-Za-z0-9.:\[\]-]{1,255}", host):
            return ""
        return f"{'http' if self.headers.get('x-forwarded-proto') == 'http' else 'https'}://{host}"


@dataclass(frozen=True)
class Reply:
    """An answer that is not just the model of the first declared status.

    `lasting`: it is about what has ended, so that clients may keep it and ask whether it still holds (304).
    """

    body: Model | str | None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = JSON
    lasting: bool = False


Function = Callable[..., "Model | Reply"]


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """`answers` maps each success status to the model of its body (None: no body, or text of `content_type`)."""

    method: str
    path: str
    permission: Permission | str
    function: Function
    answers: Mapping[int, type[Model] | None]
    errors: tuple[int, ...]
    query: type[Model] | None
    body: type[Body] | None
    also_text: tuple[str, ...]
    content_type: str
    idempotency_key: bool
    audit: AuditKind | None
    at: str | None = None

    @property
    def scope(self) -> str:
        """Where the permission is asked for: at what the path names, or as the route declares with `at`.

        `anywhere` is enough for routes that answer with what the caller may see.
        """
        named = (scope for name, scope in _SCOPES.items() if name in self.parameters)
        return self.at or next(named, ANYWHERE)

    @property
    def status(self) -> int:
        return next(iter(self.answers))

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names in the path."""
        return tuple(part[:-1] for piece in self.path.split("/") for part in piece.split("{")[1:])


class Endpoints:
    """The routes of one module."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.all: list[Endpoint] = []

    def add(
        self,
        method: str,
        path: str,
        permission: Permission | str,
        *,
        answers: Mapping[int, type[Model] | None],
        errors: Iterable[int] = (),
        also_text: tuple[str, ...] = (),
        content_type: str = JSON,
        idempotency_key: bool = False,
        changes_nothing: bool = False,
        audit: AuditKind | None = None,
        at: str | None = None,
    ) -> Callable[[Function], Function]:
        """Declares a route.

        Its function takes `call`, `services`, the names in the path, and `query` and `body` if it has any. `also_text`
        lists content types whose body is taken for the JSON member `document`. Every route but `GET` is
        recorded in the audit log as a change before it is carried out, unless it `changes_nothing`; `audit` says what
        else it is recorded as. `at` is where the permission is asked for, if the path does not show it.
        """

        def register(function: Function) -> Function:
            change = None if method == "GET" or changes_nothing else AuditKind.CHANGE
            parameters = inspect.signature(function, eval_str=True).parameters
            self.all.append(
                Endpoint(
                    method=method,
                    path=path,
                    permission=permission,
                    function=function,
                    answers=answers,
                    errors=tuple(errors),
                    query=_annotation(parameters, "query"),
                    body=_annotation(parameters, "body"),
                    also_text=also_text,
                    content_type=content_type,
                    idempotency_key=idempotency_key,
                    audit=audit or change,
                    at=at,
                )
            )
            return function

        return register


def _annotation(parameters: Mapping[str, inspect.Parameter], name: str) -> Any:
    return parameters[name].annotation if name in parameters else None
