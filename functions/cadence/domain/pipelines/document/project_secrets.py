"""Checks the secrets that a document names: that they exist, and that they may go where the document sends them."""

from collections.abc import Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass, replace
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


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedSecret:
    """What a secret's name means for a treatment, or, without one, for the login of a registry.

    `pools` are those in which it means this, if it means another secret or none elsewhere. `meant` is None where no
    secret reaches, and where only the run shows which one does; `reason` then says why.
    """

    name: str
    treatment: str | None = None
    registry: str | None = None
    pools: tuple[str, ...] = ()
    meant: KnownSecret | None = None
    reason: str | None = None
    is_open: bool = False
    """Whether only the run shows what it means."""


def check_secrets(draft: Draft, context: Context, problems: Problems) -> Iterator[NamedSecret]:
    """Checks that every secret that a treatment names exists, and that it reaches the treatment wherever it may run.

    Yields what each name means for each treatment.
    """
    if context.secrets is None:
        return
    known = _by_name(context.secrets)
    for treatment in draft.treatments.values():
        told = set()
        for path, secret in _named(treatment.body):
            meanings = list(_meanings(treatment.body, draft.defaults, secret, known.get(secret, []), context))
            lacking = next((one for one in meanings if one.code is not None), None)
            if lacking is not None and lacking.code is not None:
                problems.add(treatment.problem(lacking.code, str(lacking.reason), path, lacking.hint))
            if secret not in told:
                told.add(secret)
                yield from (one.named(secret, treatment.name) for one in meanings)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Meaning:
    """What a name means in some pools; `code` and `hint` are those of the finding if that is an error."""

    pools: tuple[str, ...] = ()
    meant: KnownSecret | None = None
    reason: str | None = None
    code: Code | None = None
    hint: str | None = None
    is_open: bool = False

    def named(self, secret: str, treatment: str) -> NamedSecret:
        return NamedSecret(
            name=secret,
            treatment=treatment,
            pools=self.pools,
            meant=self.meant,
            reason=self.reason,
            is_open=self.is_open,
        )


def _meanings(
    body: Mapping[str, Any], defaults: Mapping[str, Any], secret: str, known: list[KnownSecret], context: Context
) -> Iterator[_Meaning]:
    """Yields what a name means for a treatment: one, or one for each group of pools in which it means another.

    What expressions give, an environment or pools, is known only to the run: the claim decides.
    """
    environment = environment_of(body)
    if not known:
        yield _Meaning(reason=f"The project has no secret {shown(secret)}.")
        return
    if environment is not None and holds_expressions(environment):
        yield _Meaning(reason="Its environment is known when a run starts.", is_open=True)
        return
    pools: dict[KnownSecret | OutOfReach, list[str | None]] = {}
    for pool in usable_pools(body, defaults, context.pools or {}) or (None,):
        pools.setdefault(resolve_secret(secret, known, SecretUse(environment, pool)), []).append(pool)
    for meant, where in pools.items():
        within = tuple(pool for pool in where if pool is not None) if len(pools) > 1 else ()
        if isinstance(meant, OutOfReach):
            yield replace(_lacking(secret, meant, where[0]), pools=within)
        else:
            yield _Meaning(pools=within, meant=meant)


def _lacking(secret: str, meant: OutOfReach, pool: str | None) -> _Meaning:
    if meant.pools and pool is not None:
        return _Meaning(
            code=Code.SECRET_OF_POOL,
            reason=f"The secret {shown(secret)} does not reach the pool {shown(pool)}: it is only for {meant.only_for}.",
            hint=f"Give the treatment `pools: [{', '.join(meant.pools)}]`, or name another secret.",
        )
    if meant.environments:
        message, hint = _of_environment(secret, meant.environments[0])
        return _Meaning(code=Code.SECRET_OF_ENVIRONMENT, reason=message, hint=hint)
    return _Meaning(reason="The pools in which it may run are known when a run starts.", is_open=True)


def _of_environment(secret: str, environment: str) -> tuple[str, str]:
    message = f"The secret {shown(secret)} is only for treatments of the environment {shown(environment)}."
    return message, f"Give the treatment `environment: {environment}`, or name another secret."


def _at(body: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = body
    for key in path:
        value = mapping(value).get(key)
    return value


def check_registries(data: Mapping[str, Any], context: Context, problems: Problems) -> Iterator[NamedSecret]:
    """Checks that the keys of `registries` are hosts, and that their secrets exist. Yields what their names mean."""
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
            yield NamedSecret(name=secret, registry=host, meant=meant)
            continue
        hint = "Images are looked up before any treatment starts: name a secret that is bound to nothing."
        if meant.environments:
            code = Code.SECRET_OF_ENVIRONMENT
            message = f"The secret {shown(secret)} is bound to an environment and cannot be a registry's login."
        elif meant.pools:
            code = Code.SECRET_OF_POOL
            message = f"The secret {shown(secret)} is of a pool and cannot be a registry's login."
        else:
            code = Code.UNKNOWN_SECRET
            message, hint = _unknown_secret(secret, frozenset(one.name for one in context.secrets), problems)
        problems.add_one(code, message, ("registries", host), hint)
        yield NamedSecret(name=secret, registry=host, reason=message)


def _unknown_secret(secret: str, known: frozenset[str], findings_so_far: Sized) -> tuple[str, str]:
    hint = suggestion(secret, known, findings_so_far) or f"Set it first: cadence secret set {secret[:60]}."
    return f"The project has no secret {shown(secret)}.", hint
