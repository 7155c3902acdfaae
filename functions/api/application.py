"""Puts the declared routes behind the resolver: one path from a request to its answer or its problem document."""

import base64
import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from api.endpoint import ANY_TOKEN, PUBLIC, Call, Endpoint, Model, Reply
from api.lasting import KEPT, compressed, etag_of, is_known
from api.problems import Malformed, MethodNotAllowed, problem_of
from api.reading import read_body, read_query
from api.request_audit import RequestAudit
from api.scim_protocol import PREFIX, SCIM_JSON, scim_problem
from api.session_cookie import HEADER, cookie_of
from api.shapes import IDEMPOTENCY_KEY
from cadence.adapters.http.http_event import source_address
from cadence.adapters.http.problem import MEDIA_TYPE
from cadence.application.access.authenticate import Authenticate, require
from cadence.domain.access.access import Principal
from cadence.domain.shared.errors import CadenceError, InvalidRequest, NotFound, Violation

HttpResponse = dict[str, Any]
Report = Callable[[BaseException, Mapping[str, Any]], None]

ORGANIZATION_HEADER = "cadence-organization"
_LONGEST_NAME = 200
_PARAMETER = re.compile(r"\{\w+\}")
# Paths of the other Lambdas, which get no request with another method than these.
_ELSEWHERE = {
    re.compile(r"/v1/sign-in"): "POST",
    re.compile(r"/v1/sign-in/directory"): "POST",
    re.compile(r"/webhooks/[^/]+/[^/]+"): "POST",
    re.compile(r"/runner/v1/.+"): "POST",
}


class _Resolver(APIGatewayHttpResolver):
    """Resolves routes.

    A treatment inside of an engine is named by its path, `main/build/test#2`: a name with slashes in it.
    """

    @staticmethod
    @cache
    def _compile_regex(rule: str, base_regex: str = "^{}$") -> re.Pattern[str]:
        plain: re.Pattern[str] = APIGatewayHttpResolver._compile_regex(rule, base_regex)  # noqa: SLF001 (no public way)
        return re.compile(plain.pattern.replace("(?P<treatment>[", "(?P<treatment>[/#"))


def build(
    endpoints: Iterable[Endpoint], services: Any, authenticate: Authenticate, report: Report
) -> Callable[[dict[str, Any], Any], HttpResponse]:
    """Returns the function that answers HTTP API events (payload format 2.0).

    `report` is called with every internal error and the body of its problem document.
    """
    resolver = _Resolver()
    declared = tuple(endpoints)
    # The longest first: what follows a treatment's name is not part of it.
    for endpoint in sorted(declared, key=lambda one: one.path.count("/"), reverse=True):
        rule = endpoint.path.replace("{", "<").replace("}", ">")
        resolver.route(rule, method=endpoint.method)(_route(endpoint, resolver, services, authenticate))

    def answer_problem(error: Exception) -> Response[str]:
        if isinstance(error, NotFoundError):
            request = resolver.current_event
            error = _no_route(declared, request.http_method, request.path)
        problem = problem_of(error)
        if problem.status >= 500:
            report(error, problem.body)
        media = MEDIA_TYPE
        if resolver.current_event.path.startswith(f"{PREFIX}/"):
            problem, media = scim_problem(problem, error), SCIM_JSON
        body = json.dumps(problem.body, default=str)
        return Response(problem.status, media, body, headers=dict(problem.headers))

    resolver.exception_handler(Exception)(answer_problem)

    def answer(event: dict[str, Any], context: Any) -> HttpResponse:
        try:
            return resolver.resolve(event, context)
        except (KeyError, TypeError, AttributeError, UnicodeError) as error:
            report(error, {})
            return problem_of(Malformed("The request cannot be read.")).response()

    return answer


def _route(
    endpoint: Endpoint, resolver: APIGatewayHttpResolver, services: Any, authenticate: Authenticate
) -> Callable[..., Response[str]]:
    def serve(**path: str) -> Response[str]:
        event = resolver.current_event
        audit = RequestAudit(endpoint, services, event.raw_event, event.path)
        headers = {name.lower(): value for name, value in event.headers.items()}
        principal = None
        try:
            if endpoint.permission != PUBLIC:
                principal = _principal(authenticate, services, event.raw_event, headers)
                if endpoint.permission != ANY_TOKEN:
                    principal = require(principal, endpoint.permission)
            arguments = _arguments(endpoint, event, headers, path)
            call = Call(principal, headers, source_address(event.raw_event))
            audit.accept(principal, arguments)
            answer = endpoint.function(call, services, **arguments)
            audit.answer(principal, arguments, answer)
        except CadenceError as error:
            audit.refuse(principal, error)
            raise
        return _response(endpoint, answer, headers)

    serve.__name__ = endpoint.function.__name__
    return serve


def _principal(
    authenticate: Authenticate, services: Any, event: Mapping[str, Any], headers: Mapping[str, str]
) -> Principal:
    """Returns the principal of a browser's session, or of the token in the header `Authorization`, which goes first."""
    if "authorization" not in headers and headers.get(HEADER):
        principal: Principal = services.sessions.authenticate(cookie_of(event, headers), headers[HEADER])
        return principal
    return authenticate.authenticate(headers.get("authorization"), headers.get(ORGANIZATION_HEADER))


def _arguments(
    endpoint: Endpoint, event: APIGatewayProxyEventV2, headers: Mapping[str, str], path: Mapping[str, str]
) -> dict[str, Any]:
    """Returns what the route's function takes. Raises what is wrong with the request."""
    if any(len(name) > _LONGEST_NAME for name in path.values()):
        raise NotFound("There is nothing at this address: one of its parts is too long to be a name.")
    arguments: dict[str, Any] = dict(path)
    if endpoint.query is not None:
        arguments["query"] = read_query(endpoint.query, event.get("rawQueryString") or "")
    if endpoint.body is not None:
        content_type = headers.get("content-type", "")
        arguments["body"] = read_body(endpoint, endpoint.body, event.raw_event, content_type)
    if endpoint.idempotency_key:
        _check_key(headers.get("idempotency-key"))
    return arguments


def _check_key(key: str | None) -> None:
    if key is not None and not re.fullmatch(IDEMPOTENCY_KEY, key):
        message = "An Idempotency-Key has 1 to 200 ASCII characters, without spaces."
        raise InvalidRequest(message, [Violation("Idempotency-Key", message)])


def _response(endpoint: Endpoint, answer: Model | Reply, asked: Mapping[str, str]) -> Response[str]:
    reply = answer if isinstance(answer, Reply) else Reply(answer)
    body = reply.body.model_dump_json() if isinstance(reply.body, Model) else reply.body
    status, headers = reply.status or endpoint.status, {"cache-control": "no-store", **reply.headers}
    if body is None:
        return Response(status, None, "", headers=headers)
    if not reply.lasting:
        return Response(status, reply.content_type, body, headers=headers)
    headers |= {**KEPT, "etag": etag_of(body)}
    if is_known(headers["etag"], asked):
        return Response(304, None, "", headers=headers)
    packed = compressed(body, asked)
    if packed is None:
        return Response(status, reply.content_type, body, headers=headers)
    # The resolver would take bytes for JSON that it has to write.
    response = Response(
        status, reply.content_type, base64.b64encode(packed).decode(), headers={**headers, "content-encoding": "gzip"}
    )
    response.base64_encoded = True
    return response


def _pattern(endpoint: Endpoint) -> re.Pattern[str]:
    return re.compile(_PARAMETER.sub("[^/]+", endpoint.path.replace("{treatment}", ".+")))


def _no_route(endpoints: Iterable[Endpoint], method: str, path: str) -> NotFound | MethodNotAllowed:
    allowed = {endpoint.method for endpoint in endpoints if _pattern(endpoint).fullmatch(path)}
    allowed |= {other for pattern, other in _ELSEWHERE.items() if pattern.fullmatch(path)}
    if allowed and method not in allowed:
        return MethodNotAllowed(f"{method} is not possible here.", tuple(sorted(allowed)))
    return NotFound("There is nothing at this address.")
