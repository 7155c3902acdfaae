"""The owners of secrets, and which secret a name means where several owners have one of that name."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from cadence.domain.access.access import ALL_PROJECTS


class OwnerKind(StrEnum):
    """The kinds of owners, the most specific first: a name means the secret of the first that reaches."""

    PROJECT = "project"
    POOL = "pool"
    TEAM = "team"
    ORGANIZATION = "organization"


@dataclass(frozen=True)
class SecretOwner:
    """An owner of secrets. `name` is that of a pool or team; the project and the organization are known from elsewhere.

    Its text is `project`, `organization`, `team:NAME` or `pool:NAME`.
    """

    kind: OwnerKind
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" if self.name else str(self.kind)

    @property
    def in_words(self) -> str:
        """The owner for messages, such as `the team dev`."""
        return f"the {self.kind} {self.name}" if self.name else f"the {self.kind}"

    def reference(self, secret: str) -> str:
        """Returns the name that no secret of another owner has: that of the project's own is as it is."""
        return secret if self == OF_PROJECT else f"{self}/{secret}"


OF_PROJECT = SecretOwner(OwnerKind.PROJECT)
OF_ORGANIZATION = SecretOwner(OwnerKind.ORGANIZATION)


def team_owner(team: str) -> SecretOwner:
    """Returns a team as the owner of secrets."""
    return SecretOwner(OwnerKind.TEAM, team)


def pool_owner(pool: str) -> SecretOwner:
    """Returns a pool as the owner of secrets."""
    return SecretOwner(OwnerKind.POOL, pool)


def parse_reference(reference: str) -> tuple[SecretOwner, str]:
    """Returns the owner and the name of a secret that `SecretOwner.reference` described."""
    owner, slash, name = reference.partition("/")
    if not slash:
        return OF_PROJECT, reference
    kind, _, of = owner.partition(":")
    return SecretOwner(OwnerKind(kind), of), name


@dataclass(frozen=True)
class KnownSecret:
    """A secret that a project may be able to use.

    `bound_to` are the environments that it is only for, none for every treatment; `projects` are those that a secret of
    a team or of the organization is given to, or `*` for all of the organization.
    """

    name: str
    owner: SecretOwner = OF_PROJECT
    bound_to: frozenset[str] = frozenset()
    projects: tuple[str, ...] = ()

    @property
    def reference(self) -> str:
        """The name with its owner."""
        return self.owner.reference(self.name)

    def is_given_to(self, project: str, pools: Collection[str]) -> bool:
        """Whether the project may know of it; `pools` are those that the project may use."""
        if self.owner.kind is OwnerKind.PROJECT:
            return True
        if self.owner.kind is OwnerKind.POOL:
            return self.owner.name in pools
        return ALL_PROJECTS in self.projects or project in self.projects


@dataclass(frozen=True)
class SecretUse:
    """A treatment that names a secret: its environment and the pool that it runs in, None for none."""

    environment: str | None = None
    pool: str | None = None


@dataclass(frozen=True)
class OutOfReach:
    """The reason why a treatment may not have any of the secrets of a name: what these are bound to.

    `environments` and `pools` are those whose treatments may; without either there is no secret of that name.
    """

    environments: tuple[str, ...] = ()
    pools: tuple[str, ...] = ()

    @property
    def only_for(self) -> str:
        """What has the secrets, for messages; empty if nothing has."""
        within = [f"of the environment {' and '.join(self.environments)}"] if self.environments else []
        within += [f"that run in the pool {' or '.join(self.pools)}"] if self.pools else []
        return f"treatments {', or '.join(within)}" if within else ""


def resolve_secret(name: str, known: Iterable[KnownSecret], use: SecretUse) -> KnownSecret | OutOfReach:
    """Returns the secret that a name means for a treatment: the most specific one that reaches it.

    `known` are the secrets that are given to the treatment's project; those of other names do not count. A secret of
    the project reaches the treatments of the environment that it is bound to, a pool's those that run in the pool,
    others all. Of two teams, the first by name counts.
    """
    named = [secret for secret in known if secret.name == name]
    reaching = [secret for secret in named if _reaches(secret, use)]
    if reaching:
        order = list(OwnerKind)
        return min(reaching, key=lambda secret: (order.index(secret.owner.kind), secret.owner.name))
    return OutOfReach(
        environments=tuple(sorted({environment for secret in named for environment in secret.bound_to})),
        pools=tuple(sorted(secret.owner.name for secret in named if secret.owner.kind is OwnerKind.POOL)),
    )


def _reaches(secret: KnownSecret, use: SecretUse) -> bool:
    if secret.owner.kind is OwnerKind.POOL:
        return secret.owner.name == use.pool
    return all(bound == use.environment for bound in secret.bound_to)
