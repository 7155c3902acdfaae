"""Checks the secrets that a document names: that they exist, and that they may go where the document sends them."""

from collections.abc import Iterator, Mapping, Sized
from typing import Any

from cadence.domain.melodium.specification import secret_variable
from cadence.domain.pipelines.document.draft import Draft, mapping
from cadence.domain.pipelines.document.findings import Code, DocumentProblem, Problems
from cadence.domain.pipelines.document.project_checks import Context, environment_of
from cadence.domain.pipelines.document.templates import holds_expressions
from cadence.domain.pipelines.document.wording import suggestion
from cadence.domain.pipelines.image import registry_of
from cadence.domain.shared.display import shown

_SECRETS: tuple[tuple[str, ...], ...] = (("secrets",), ("melodium", "secrets"))


def check_secrets(draft: Draft, context: Context, problems: Problems) -> None:
    """Checks that every secret that a treatment names exists, and that it is for the treatment's environment."""
    if context.secrets is None:
        return
    for treatment in draft.treatments.values():
        for path, secret in _bound_elsewhere(treatment.body, context.bound):
            message, hint = _of_environment(secret, context.bound[secret])
            problems.add(treatment.problem(Code.SECRET_OF_ENVIRONMENT, message, path, hint))
    for treatment in draft.bodies():
        for path in _SECRETS:
            for name, secret in mapping(_at(treatment.body, path)).items():
                if isinstance(secret, str) and secret not in context.secrets:
                    message, hint = _unknown_secret(secret, context.secrets, problems)
                    problems.add(treatment.problem(Code.UNKNOWN_SECRET, message, (*path, name), hint))


def secrets_of(body: Mapping[str, Any]) -> dict[str, str]:
    """Returns the names of a treatment's secrets by variable, including those that are parameters of its program."""
    as_parameters = mapping(_at(body, _SECRETS[1]))
    return {**mapping(body.get("secrets")), **{secret_variable(name): secret for name, secret in as_parameters.items()}}


def _bound_elsewhere(body: Mapping[str, Any], bound: Mapping[str, str]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yields the secrets of a treatment that are bound to another environment than its own, with where they stand.

    An environment that is an expression is known only to the run: the claim decides.
    """
    environment = environment_of(body)
    if environment is not None and holds_expressions(environment):
        return
    for path in _SECRETS:
        for name, secret in mapping(_at(body, path)).items():
            if isinstance(secret, str) and bound.get(secret, environment) != environment:
                yield (*path, name), secret


def _of_environment(secret: str, environment: str) -> tuple[str, str]:
    message = f"The secret {shown(secret)} is only for treatments of the environment {shown(environment)}."
    return message, f"Give the treatment `environment: {environment}`, or name another secret."


def _at(body: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = body
    for key in path:
        value = mapping(value).get(key)
    return value


def check_registries(data: Mapping[str, Any], context: Context, problems: Problems) -> None:
    """Checks that the keys of `registries` are hosts, and that their secrets exist."""
    for host, secret in mapping(data.get("registries")).items():
        try:
            registry_of(host)
        except ValueError:
            hint = "Write it as images do, such as ghcr.io or registry.example.com:5000."
            message = f"{shown(host)} is no host of a registry."
            problems.add(
                DocumentProblem(
                    code=Code.WRONG_FORM, message=message, path=("registries", host), hint=hint, at_key=True
                )
            )
        if context.secrets is not None and isinstance(secret, str) and secret not in context.secrets:
            message, hint = _unknown_secret(secret, context.secrets, problems)
            problems.add_one(Code.UNKNOWN_SECRET, message, ("registries", host), hint)
        elif isinstance(secret, str) and secret in context.bound:
            message = f"The secret {shown(secret)} is bound to an environment and cannot be a registry's login."
            hint = "Images are looked up before any treatment starts: name a secret that is bound to nothing."
            problems.add_one(Code.SECRET_OF_ENVIRONMENT, message, ("registries", host), hint)


def _unknown_secret(secret: str, known: frozenset[str], findings_so_far: Sized) -> tuple[str, str]:
    hint = suggestion(secret, known, findings_so_far) or f"Set it first: cadence secret set {secret[:60]}."
    return f"The project has no secret {shown(secret)}.", hint
