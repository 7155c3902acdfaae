"""Checks the secrets that a document names: that they exist, and that they may go where the document sends them."""

from collections.abc import Iterable, Iterator, Mapping, Sized
from typing import Any

from cadence.domain.access.secret_owner import KnownSecret, OutOfReach, SecretUse, resolve_secret
from cadence.domain.melodium.specification import secret_variable
from cadence.domain.pipelines.document.draft import Draft, mapping
from cadence.domain.pipelines.document.findings import Code, DocumentProblem, Problems
from cadence.domain.pipelines.document.project_checks import Context, environment_of, usable_pools
from cadence.domain.pipelines.document.templates import holds_expressions
from cadence.domain.pipelines.document.wording import suggestion
from cadence.domain.pipelines.image import registry_of
from cadence.domain.shared.display import shown

_SECRETS: tuple[tuple[str, ...], ...] = (("secrets",), ("melodium", "secrets"))


def check_secrets(draft: Draft, context: Context, problems: Problems) -> None:
    """Checks that every secret that a treatment names exists, and that it reaches the treatment wherever it may run."""
    if context.secrets is None:
        return
    known = _by_name(context.secrets)
    for treatment in draft.treatments.values():
        for path, secret in _named(treatment.body):
            code, message, hint = _out_of_reach(treatment.body, draft.defaults, secret, known.get(secret, []), context)
            if code is not None:
                problems.add(treatment.problem(code, message, path, hint))
    for treatment in draft.bodies():
        for path, secret in _named(treatment.body):
            if secret not in known:
                message, hint = _unknown_secret(secret, frozenset(known), problems)
                problems.add(treatment.problem(Code.UNKNOWN_SECRET, message, path, hint))


def secrets_of(body: Mapping[str, Any]) -> dict[str, str]:
    """Returns the names of a treatment's secrets by variable, including those that are parameters of its program."""
    as_parameters = mapping(_at(body, _SECRETS[1]))
    return {**mapping(body.get("secrets")), **{secret_variable(name): secret for name, secret in as_parameters.items()}}


def _named(body: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yields the secrets that a treatment names, with where they stand."""
    for path in _SECRETS:
        for name, secret in mapping(_at(body, path)).items():
            if isinstance(secret, str):
                yield (*path, name), secret


def _by_name(secrets: Iterable[KnownSecret]) -> dict[str, list[KnownSecret]]:
    known: dict[str, list[KnownSecret]] = {}
    for secret in secrets:
        known.setdefault(secret.name, []).append(secret)
    return known


def _out_of_reach(
    body: Mapping[str, Any], defaults: Mapping[str, Any], secret: str, known: list[KnownSecret], context: Context
) -> tuple[Code | None, str, str]:
    """Returns the reason why a treatment may run where no secret of a name reaches it: code, message and hint.

    What expressions give, an environment or pools, is known only to the run: the claim decides.
    """
    nothing = None, "", ""
    environment = environment_of(body)
    if not known or (environment is not None and holds_expressions(environment)):
        return nothing
    pools = usable_pools(body, defaults, context.pools or {}) or (None,)
    for pool in pools:
        meant = resolve_secret(secret, known, SecretUse(environment, pool))
        if not isinstance(meant, OutOfReach):
            continue
        if meant.pools and pool is not None:
            message = (
                f"The secret {shown(secret)} does not reach the pool {shown(pool)}: it is only for {meant.only_for}."
            )
            hint = f"Give the treatment `pools: [{', '.join(meant.pools)}]`, or name another secret."
            return Code.SECRET_OF_POOL, message, hint
        if meant.environments:
            message, hint = _of_environment(secret, meant.environments[0])
            return Code.SECRET_OF_ENVIRONMENT, message, hint
    return nothing


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
        if context.secrets is None or not isinstance(secret, str):
            continue
        meant = resolve_secret(secret, context.secrets, SecretUse())
        if not isinstance(meant, OutOfReach):
            continue
        hint = "Images are looked up before any treatment starts: name a secret that is bound to nothing."
        if meant.environments:
            message = f"The secret {shown(secret)} is bound to an environment and cannot be a registry's login."
            problems.add_one(Code.SECRET_OF_ENVIRONMENT, message, ("registries", host), hint)
        elif meant.pools:
            message = f"The secret {shown(secret)} is of a pool and cannot be a registry's login."
            problems.add_one(Code.SECRET_OF_POOL, message, ("registries", host), hint)
        else:
            message, hint = _unknown_secret(secret, frozenset(one.name for one in context.secrets), problems)
            problems.add_one(Code.UNKNOWN_SECRET, message, ("registries", host), hint)


def _unknown_secret(secret: str, known: frozenset[str], findings_so_far: Sized) -> tuple[str, str]:
    hint = suggestion(secret, known, findings_so_far) or f"Set it first: cadence secret set {secret[:60]}."
    return f"The project has no secret {shown(secret)}.", hint
