"""Reads the values of secrets that Cadence does not keep, at the moment when they are needed."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Protocol

from cadence.application.shared.secret_ports import Secret, SecretReader
from cadence.domain.access.secret_owner import SecretOwner
from cadence.domain.access.secret_source import SecretSource, SourceKind, SourcePrefixes, VaultLogin
from cadence.domain.shared.errors import CannotRun, Transient

_AT_ONCE = 8

Identify = Callable[[str], str]
"""Returns an identity token for an audience."""


@dataclass(frozen=True)
class SourcedValue:
    """A value, and the version of it that its source has."""

    value: str = field(repr=False)
    version: str


class SourceReader(Protocol):
    """Reads values of one kind of source."""

    def read(self, source: SecretSource, credential: str) -> SourcedValue:
        """Returns the value as it is now. `credential` is for sources that Cadence signs in to, else empty.

        Raises CannotRun (missing, refused, of another form), Transient (the source does not answer).
        """


@dataclass(frozen=True)
class ReadSecretSources:
    """Replaces sources by their values. `readers` are by kind; `secrets` are those that Cadence keeps itself."""

    readers: Mapping[SourceKind, SourceReader]
    secrets: SecretReader
    prefixes: SourcePrefixes

    def read(
        self,
        organization: str,
        project: str,
        secrets: Mapping[str, Secret],
        *,
        environment: str | None,
        identify: Identify | None,
    ) -> Mapping[str, Secret]:
        """Returns the secrets, all with values. They are for a treatment of `environment`.

        Without `identify` there is no treatment whose identity could be shown yet. Raises CannotRun and Transient,
        which name the secret, its source and what to do.
        """
        sources = {name: secret.source for name, secret in secrets.items() if secret.source}
        if not sources:
            return secrets
        # Before a thread begins: signing makes keys, and the store is asked once.
        credentials = {
            name: self._credential(organization, project, name, secrets[name].owner, source, environment, identify)
            for name, source in sources.items()
        }

        def value_of(name: str) -> tuple[str, SourcedValue]:
            source = sources[name]
            try:
                return name, self.readers[source.kind].read(source, credentials[name])
            except Transient as error:
                raise Transient(_failed(name, source, error.message), retry_after=error.retry_after) from None
            except CannotRun as error:
                raise CannotRun(_failed(name, source, error.message)) from None

        pool = ThreadPoolExecutor(_AT_ONCE)
        try:
            values = dict(pool.map(value_of, sorted(sources)))
        finally:
            # The first failure decides; reads that have not begun by then are dropped.
            pool.shutdown(cancel_futures=True)
        return {name: _with_value(secret, values.get(name)) for name, secret in secrets.items()}

    def _credential(
        self,
        organization: str,
        project: str,
        name: str,
        owner: SecretOwner,
        source: SecretSource,
        environment: str | None,
        identify: Identify | None,
    ) -> str:
        """Returns what signs in to the source, after checking that the secret's owner may read it."""
        if refusal := self.prefixes.refusal(source, organization, project, owner):
            raise CannotRun(_failed(name, source, refusal))
        access = source.vault
        if access is None:
            return ""
        if access.login is VaultLogin.JWT:
            if identify is None:
                reason = (
                    "images are looked up before a treatment has an identity. Use the login approle, or name the "
                    "image by its digest."
                )
                raise CannotRun(_failed(name, source, reason))
            return identify(access.audience)
        wanted = access.secret or ""
        reference = owner.reference(wanted)
        stored = self.secrets.decrypt(organization, project, {reference: None}).get(reference)
        if stored is None:
            reason = f"{owner.in_words} has no secret {wanted}, which is to hold the secret ID. Set it."
            raise CannotRun(_failed(name, source, reason))
        if stored.source is not None:
            raise CannotRun(_failed(name, source, f"the secret {wanted} has a source itself. Set it to the secret ID."))
        if any(bound != environment for bound in stored.bound_to):
            bound_to = " and ".join(sorted(stored.bound_to))
            reason = f"the secret {wanted} is only for treatments of the environment {bound_to}."
            raise CannotRun(_failed(name, source, reason))
        return stored.value


def _with_value(secret: Secret, sourced: SourcedValue | None) -> Secret:
    if sourced is None or secret.source is None:
        return secret
    origin = f"{secret.source}, version {sourced.version}"
    return replace(secret, value=sourced.value, source=None, origin=origin)


def _failed(name: str, source: SecretSource, reason: str) -> str:
    return f"The secret {name} ({source}) cannot be read: {reason}"
