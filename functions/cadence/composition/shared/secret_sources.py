"""Wiring of the sources of secrets that Cadence does not keep."""

from typing import Protocol

from cadence.adapters.aws.secret_sources import ParameterStoreReader, SecretsManagerReader
from cadence.adapters.http.egress_policy import EgressPolicy
from cadence.adapters.http.vault import VaultReader
from cadence.application.shared.secret_ports import SecretReader
from cadence.application.shared.secret_sources import ReadSecretSources
from cadence.domain.access.secret_source import SourceKind, SourcePrefixes


class PrefixSettings(Protocol):
    @property
    def secrets_manager_prefix(self) -> str: ...
    @property
    def parameter_store_prefix(self) -> str: ...


class SourceSettings(PrefixSettings, Protocol):
    @property
    def outbound_hosts(self) -> str: ...


def prefixes(config: PrefixSettings) -> SourcePrefixes:
    return SourcePrefixes(config.secrets_manager_prefix, config.parameter_store_prefix)


def secret_sources(config: SourceSettings, secrets: SecretReader) -> ReadSecretSources:
    return ReadSecretSources(
        readers={
            SourceKind.SECRETS_MANAGER: SecretsManagerReader(),
            SourceKind.PARAMETER_STORE: ParameterStoreReader(),
            SourceKind.VAULT: VaultReader(EgressPolicy.of(config.outbound_hosts, "outbound hosts")),
        },
        secrets=secrets,
        prefixes=prefixes(config),
    )
