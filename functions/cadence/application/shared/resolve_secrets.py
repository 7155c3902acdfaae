"""Decrypts the secrets that the names of a treatment mean, whoever owns them."""

from collections.abc import Mapping
from types import MappingProxyType

from cadence.application.shared.secret_ports import Secret, SecretReader
from cadence.domain.access.secret_owner import KnownSecret, OutOfReach, SecretUse, parse_reference, resolve_secret
from cadence.domain.shared.errors import CannotRun


def decrypt_meant(
    secrets: SecretReader,
    organization: str,
    project: str,
    uses: Mapping[str, SecretUse],
    pinned: Mapping[str, int] = MappingProxyType({}),
) -> Mapping[str, Secret]:
    """Returns the secrets that the names of `uses` mean, by name.

    `pinned` are the versions that a replay had, by reference (`KnownSecret.reference`): these stay those of their
    owners; others are the newest. A pool in `uses` is one that the project may use. Costs one more read if the
    project's own secrets do not answer all names. Raises CannotRun for a name that has no secret, or none that
    reaches, and NotFound for a version that is not kept.
    """
    pins = {parse_reference(reference)[1]: reference for reference in pinned}
    wanted = {name: pinned.get(name) for name in uses if pins.get(name, name) == name}
    own = secrets.decrypt(organization, project, wanted)
    known = [KnownSecret(name, bound_to=secret.bound_to) for name, secret in own.items()]
    # The project's own are the most specific: if they reach, no other counts.
    if any(isinstance(resolve_secret(name, known, use), OutOfReach) for name, use in uses.items()):
        pools = {use.pool for use in uses.values() if use.pool}
        given = (one.known for one in secrets.shared(organization))
        known += [
            one
            for one in given
            if one.is_given_to(project, pools) and pins.get(one.name, one.reference) == one.reference
        ]
    meant = {name: _meant(name, known, use, project, pins.get(name)) for name, use in uses.items()}
    others = {one.reference: pinned.get(one.reference) for one in meant.values() if one.reference not in own}
    found = {**own, **(secrets.decrypt(organization, project, others) if others else {})}
    for name, one in meant.items():
        if one.reference not in found:  # it was deleted a moment ago
            raise CannotRun(missing_secret(name, project))
    return {name: found[one.reference] for name, one in meant.items()}


def missing_secret(name: str, project: str) -> str:
    """Returns the sentence for a name that no secret has which is given to the project."""
    return f"There is no secret {name} in project {project}, and none of that name is given to it."


def _meant(name: str, known: list[KnownSecret], use: SecretUse, project: str, pin: str | None) -> KnownSecret:
    meant = resolve_secret(name, known, use)
    if isinstance(meant, KnownSecret):
        return meant
    if meant.environments or meant.pools:
        raise CannotRun(f"secret {name} is only for {meant.only_for}")
    if pin not in (None, name):
        owner, _ = parse_reference(str(pin))
        raise CannotRun(f"The secret {name} of {owner.in_words} is not given to project {project} any more.")
    raise CannotRun(missing_secret(name, project))
