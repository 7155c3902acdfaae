"""What the routes below `/scim/v2` do otherwise than the others: documents, lists and errors of SCIM (RFC 7644)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from pydantic import ConfigDict, Field

from api.endpoint import Body, Endpoints, Function, Model, Reply
from cadence.adapters.http.problem import Problem
from cadence.domain.access.access import Permission
from cadence.domain.shared.errors import CadenceError, Conflict, InvalidRequest

PREFIX: Final = "/scim/v2"
SCIM_JSON: Final = "application/scim+json"
USER: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"
MESSAGES: Final = "urn:ietf:params:scim:api:messages:2.0"
MOST_RESULTS: Final = 200
PROVISION: Final = "provision people"
"""What callers may do only for a whole organization, in the words of the refusal."""

_SCIM_TYPES = frozenset(
    {"invalidFilter", "tooMany", "uniqueness", "mutability", "invalidSyntax", "invalidPath", "noTarget", "invalidValue"}
)
# Always sent, whatever is asked for.
_ALWAYS = frozenset({"schemas", "id"})


class ScimDocument(Model):
    """A document of SCIM; its attributes are those of its `schemas`."""

    model_config = ConfigDict(extra="allow", defer_build=True)

    schemas: list[str]


class ScimError(ScimDocument):
    """An error of SCIM (RFC 7644, 3.12)."""

    status: str
    detail: str


class ScimBody(Body):
    """A document of SCIM. Attributes that are not kept are ignored."""

    model_config = ConfigDict(extra="allow", strict=True, defer_build=True)

    schemas: list[str] = Field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """Returns the attributes."""
        return dict(self.model_extra or {})


class ScimResourceQuery(Model):
    """Which attributes to send."""

    model_config = ConfigDict(extra="ignore", defer_build=True)

    attributes: str | None = Field(None, max_length=1_000, description="Attributes to send, commas between them.")
    excluded_attributes: str | None = Field(
        None, alias="excludedAttributes", max_length=1_000, description="Attributes to leave out."
    )


class ScimListQuery(ScimResourceQuery):
    """Which resources to send."""

    filter: str | None = Field(None, description='Such as `userName eq "ada"`; several with `and` between them.')
    start_index: int = Field(1, alias="startIndex", description="The place of the first one to send, from 1.")
    count: int = Field(MOST_RESULTS, description=f"How many to send, {MOST_RESULTS} at most.")


class ScimEndpoints(Endpoints):
    """Routes of a provisioning service, which works for a whole organization."""

    def provide(
        self, method: str, path: str, status: int = 200, *, errors: Iterable[int] = ()
    ) -> Callable[[Function], Function]:
        """Declares a route below `/scim/v2`, which answers with a document (with nothing if `status` is 204)."""
        return self.add(
            method,
            f"{PREFIX}/{path}",
            Permission.SCIM_PROVISION,
            answers={status: None if status == 204 else ScimDocument},
            errors=errors,
            content_type=SCIM_JSON,
            at="organization",
        )


def resource(document: Mapping[str, Any], query: ScimResourceQuery | None = None, status: int = 200) -> Reply:
    """Returns the answer that is one resource."""
    return Reply(ScimDocument.model_validate(_chosen(document, query)), status, content_type=SCIM_JSON)


def listing(documents: Sequence[Mapping[str, Any]], query: ScimListQuery | None = None) -> Reply:
    """Returns the page of a list that is asked for."""
    start = max(query.start_index, 1) if query else 1
    count = min(max(query.count, 0), MOST_RESULTS) if query else MOST_RESULTS
    page = documents[start - 1 : start - 1 + count]
    answer = {
        "schemas": [f"{MESSAGES}:ListResponse"],
        "totalResults": len(documents),
        "startIndex": start,
        "itemsPerPage": len(page),
        "Resources": [_chosen(document, query) for document in page],
    }
    return Reply(ScimDocument.model_validate(answer), content_type=SCIM_JSON)


def scim_problem(problem: Problem, error: BaseException) -> Problem:
    """Returns the error as SCIM describes it. What is not valid is answered with 400, as RFC 7644 asks."""
    status = 400 if problem.status == 422 else problem.status
    body: dict[str, Any] = {
        "schemas": [f"{MESSAGES}:Error"],
        "status": str(status),
        "detail": problem.body["detail"],
    }
    kind = _scim_type(error)
    if kind is not None:
        body["scimType"] = kind
    if "id" in problem.body:
        body["detail"] += f" ({problem.body['id']})"
    return replace(problem, status=status, body=body)


def _scim_type(error: BaseException) -> str | None:
    if isinstance(error, Conflict):
        return "uniqueness"
    if isinstance(error, InvalidRequest):
        codes = [violation.code for violation in error.violations]
        return next((code for code in codes if code in _SCIM_TYPES), "invalidSyntax")
    if isinstance(error, CadenceError) and error.code == "malformed":
        return "invalidSyntax"
    return None


def _chosen(document: Mapping[str, Any], query: ScimResourceQuery | None) -> dict[str, Any]:
    if query is None:
        return dict(document)
    wanted, excluded = _names(query.attributes), _names(query.excluded_attributes)
    return {
        name: value
        for name, value in document.items()
        if name in _ALWAYS or ((not wanted or name.lower() in wanted) and name.lower() not in excluded)
    }


def _names(text: str | None) -> frozenset[str]:
    """Returns the attributes that are named, in lower case, without their schemas and parts."""
    names: Iterable[str] = (text or "").split(",")
    return frozenset(name.strip().rpartition(":")[2].partition(".")[0].lower() for name in names if name.strip())
