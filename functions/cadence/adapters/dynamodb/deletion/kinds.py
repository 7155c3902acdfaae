"""All kinds of items, and how each is found when a project is deleted.

The table in docs/architecture/storage.md lists the same kinds; a test compares both, so that no kind can be forgotten.
"""

from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile


class Found(StrEnum):
    """How the items of a kind that belong to a project are found."""

    BY_PROJECT = "its partition is named after the project"
    BY_RUN = "its partition is named after a run of the project"
    BY_RUNNER = "its partition is named after a runner of the project's runs"
    BY_PREFIX = "its partition's name begins with the project's; the table is scanned, since it is small"
    BY_ATTRIBUTES = "the table is scanned for items that name the organization and the project"
    LISTED = "it is in a partition of the organization, under the project's name or with it as an attribute"
    DERIVED = "its key is derived from another item, which is removed after it"
    REFERENCE = "it belongs to the organization; the project is taken out of its list"
    ORGANIZATION = "it belongs to the organization or to the installation, and holds nothing of one project"
    EXPIRES = "it holds nothing that can be read, and expires by itself"
    RECORD = "it is the record of who did what, and stays as long as the audit log does"


@dataclass(frozen=True)
class ItemKind:
    """A kind of items as storage.md writes its keys; `counted_as` is its name in counts."""

    table: str
    pk: str
    sk: str
    found: Found
    counted_as: str = "other items"

    @property
    def prefix(self) -> str:
        """What its sort keys begin with."""
        return fixed_part(self.sk)


def fixed_part(template: str) -> str:
    """Returns what comes before the first placeholder."""
    return "".join(takewhile(lambda letter: letter != "{", template))


_PROJECT = "PROJECT#{org}#{project}"
_RUN = "RUN#{run}"
_RUNNER = "RUNNER#{runner}"
_POOL = "POOL#{org}#{pool}"
_ORG = "ORG#{org}"
_SHARED = "SHAREDSECRETS#{org}"

KINDS: tuple[ItemKind, ...] = (
    ItemKind("access", _ORG, "ORG", Found.ORGANIZATION),
    ItemKind("access", "ORGANIZATIONS", "{org}", Found.ORGANIZATION),
    ItemKind("access", _ORG, "PROJECT#{project}", Found.LISTED, "projects"),
    ItemKind("access", _ORG, "POOL#{pool}", Found.REFERENCE, "pools' lists of projects"),
    ItemKind("access", _ORG, "TOKEN#{id}", Found.BY_ATTRIBUTES, "tokens"),
    ItemKind("access", "TOKEN#{id}", "TOKEN", Found.BY_ATTRIBUTES),
    ItemKind("access", "TOKENUSE#{id}", "TOKENUSE", Found.EXPIRES),
    ItemKind("access", "ENGINETOKEN#{id}", "TOKEN", Found.EXPIRES),
    ItemKind("access", _ORG, "MEMBER#{id}", Found.ORGANIZATION, "members"),
    ItemKind("access", _ORG, "FORMERMEMBER#{id}", Found.ORGANIZATION, "former members"),
    ItemKind("access", _ORG, "TEAM#{team}", Found.ORGANIZATION, "teams"),
    ItemKind("access", _ORG, "SERVICEACCOUNT#{name}", Found.ORGANIZATION, "service accounts"),
    ItemKind("access", _ORG, "POLICY", Found.REFERENCE, "grants"),
    ItemKind("access", _ORG, "TOKENPOLICY", Found.ORGANIZATION),
    ItemKind("access", _ORG, "IDENTITYPROVIDER#{name}", Found.ORGANIZATION, "identity providers"),
    ItemKind("access", _ORG, "SCIMUSER#{id}", Found.ORGANIZATION, "provisioned users"),
    ItemKind("access", _ORG, "SCIMUSERNAME#{sha256}", Found.ORGANIZATION),
    ItemKind("access", _ORG, "SCIMGROUP#{id}", Found.ORGANIZATION, "provisioned groups"),
    ItemKind("access", "DIRECTORIES", "{org}#{directory}", Found.ORGANIZATION, "directories"),
    ItemKind("access", "SIGNINATTEMPTS#{sha256}", "SIGNINATTEMPTS", Found.EXPIRES),
    ItemKind("access", "SIGNIN#{sha256}", "SIGNIN", Found.EXPIRES),
    ItemKind("access", _ORG, "INVITATION#{id}", Found.LISTED, "invitations"),
    ItemKind("access", _PROJECT, "SECRET#{name}", Found.BY_PROJECT, "secrets"),
    ItemKind("access", _PROJECT, "SECRETVERSION#{name}#{version:08}", Found.BY_PROJECT, "versions of secrets"),
    ItemKind("access", _PROJECT, "SECRETDELETED#{name}", Found.BY_PROJECT),
    ItemKind("access", _SHARED, "SECRET#{owner}/{name}", Found.REFERENCE, "shared secrets"),
    ItemKind(
        "access", _SHARED, "SECRETVERSION#{owner}/{name}#{version:08}", Found.ORGANIZATION, "versions of shared secrets"
    ),
    ItemKind("access", _SHARED, "SECRETDELETED#{owner}/{name}", Found.ORGANIZATION),
    ItemKind("access", _PROJECT, "ENVIRONMENT#{name}", Found.BY_PROJECT, "environments"),
    ItemKind("access", _PROJECT, "PROGRAM#{name}", Found.BY_PROJECT, "programs"),
    ItemKind("access", "SWEPT", "{org}#{pool}", Found.ORGANIZATION),
    ItemKind("access", _ORG, "POOLCREDENTIALS#{pool}", Found.ORGANIZATION),
    ItemKind("access", _ORG, "SUBSCRIPTIONS", Found.ORGANIZATION),
    ItemKind("access", "LINK#{id}", "LINK", Found.BY_ATTRIBUTES, "approval links"),
    ItemKind("access", "TOKEN#{id}", "SESSION#{id}", Found.DERIVED, "sessions"),
    ItemKind("access", "GITHOST#{id}", "GITHOST", Found.BY_ATTRIBUTES),
    ItemKind("access", _ORG, "GITHOST#{id}", Found.BY_ATTRIBUTES, "git hosts"),
    ItemKind("access", "DELIVERY#{githost}#{delivery}", "DELIVERY", Found.DERIVED),
    ItemKind("access", "REQUEST#{sha256}", "REQUEST", Found.EXPIRES),
    ItemKind("access", "CURSOR", "KEY", Found.ORGANIZATION),
    ItemKind("access", "CLAIMKEYS", "KEY", Found.ORGANIZATION),
    ItemKind("access", "IDTOKENKEYS", "KEY#{period:06}", Found.ORGANIZATION),
    ItemKind("access", "AUDIT#{org}", "{ulid}", Found.RECORD),
    ItemKind("access", "AUDITCHAIN#{org}", "HEAD", Found.RECORD),
    ItemKind("access", "AUDITCHAIN#{org}", "SEAL#{last:016}", Found.RECORD),
    ItemKind("access", "AUDITED#{sha256}", "AUDITED", Found.EXPIRES),
    ItemKind("access", "DELETIONS", "{org}#{ulid}", Found.RECORD),
    ItemKind("access", "HOLDS", "{org}#{ulid}", Found.RECORD),
    ItemKind("access", "ERASURES", "{org}#{ulid}", Found.RECORD),
    ItemKind("access", "DELETION#{org}#{project}", "{kind}#{name}", Found.DERIVED),
    ItemKind("access", "LOGSTREAM", "LOGSTREAM", Found.ORGANIZATION),
    ItemKind("access", _ORG, "EXPORT#{name}", Found.REFERENCE, "exports"),
    ItemKind("repositories", "REPOSITORY#{id}", "REPOSITORY", Found.BY_ATTRIBUTES),
    ItemKind("repositories", _ORG, "REPOSITORY#{project}#{address}", Found.BY_ATTRIBUTES, "repositories"),
    ItemKind("repositories", "APP#{id}", "APP", Found.BY_ATTRIBUTES),
    ItemKind("repositories", _ORG, "APP#{project}#{id}", Found.BY_ATTRIBUTES, "GitHub Apps"),
    ItemKind("repositories", "REPOSITORY#{id}", "DELIVERY#{time}#{delivery}", Found.DERIVED, "deliveries"),
    ItemKind("repositories", "EVENTS#{githost}", "DELIVERY#{time}#{delivery}", Found.DERIVED),
    ItemKind("repositories", "REPOSITORY#{id}", "PROBLEM", Found.DERIVED),
    ItemKind("repositories", "COMMIT#{id}#{commit}", "HEAD", Found.DERIVED, "reports to code hosts"),
    ItemKind("repositories", "COMMIT#{id}#{commit}", "RUN#{run}", Found.DERIVED),
    ItemKind("repositories", "COMMIT#{id}#{commit}", "SENT#{context}", Found.DERIVED),
    ItemKind("repositories", "PULL#{id}#{number}", "COMMENT", Found.DERIVED),
    ItemKind(
        "repositories",
        "HEADS#{id}",
        "{sha256 of branch, tag or pull request, and commit}",
        Found.DERIVED,
        "known heads",
    ),
    ItemKind("repositories", "LOOKS", "{id}", Found.DERIVED),
    ItemKind("pipelines", _PROJECT, "PIPELINE#{name}", Found.BY_PROJECT, "pipelines"),
    ItemKind("pipelines", _PROJECT, "PIPELINEDELETED#{name}", Found.BY_PROJECT),
    ItemKind("pipelines", _PROJECT, "BADGES", Found.BY_PROJECT),
    ItemKind(
        "pipelines", "PIPELINE#{org}#{project}#{name}", "VERSION#{n:08}", Found.BY_PREFIX, "versions of pipelines"
    ),
    ItemKind("runs", _RUN, "RUN", Found.BY_RUN, "runs"),
    ItemKind("runs", _RUN, "COUNT", Found.BY_RUN),
    ItemKind("runs", _RUN, "TOKEN#{runner}#{digest}", Found.BY_RUN),
    ItemKind("runs", _RUN, "TREATMENT#{name}", Found.BY_RUN, "treatments"),
    ItemKind("runs", _RUN, "ELEMENT#{path}", Found.BY_RUN, "treatments"),
    ItemKind("runs", _RUN, "ENGINE", Found.BY_RUN),
    ItemKind("runs", _RUN, "TURN#{stream}", Found.BY_RUN),
    ItemKind("runs", _RUN, "EDGE#{producer}#{consumer}#{trigger}", Found.BY_RUN),
    ItemKind("runs", _RUN, "VALUE#{treatment}#{port}", Found.BY_RUN, "values"),
    ItemKind("runs", _RUN, "RETENTION#{treatment}#{attempt}", Found.BY_RUN),
    ItemKind("runs", _RUN, "REPLAY#{treatment}#{replay's run}", Found.BY_RUN),
    ItemKind("runs", _RUN, "APPROVAL#{treatment}", Found.BY_RUN, "approvals"),
    ItemKind("runs", _RUN, "DECISION#{treatment}#{token id}", Found.BY_RUN),
    ItemKind("runs", "LIMIT#{scope}", "HEAD", Found.DERIVED),
    ItemKind("runs", "LIMIT#{scope}", "INSIDE#{holder}", Found.DERIVED),
    ItemKind("runs", "LIMIT#{scope}", "PLACE#{holder}", Found.DERIVED),
    ItemKind("runs", "LIMIT#{scope}", "WAITING#{100 - priority:03}#{project}#{ticket:012}", Found.DERIVED),
    ItemKind("runs", _RUN, "PASSED#{treatment}.{port}#{run}#{treatment}#{port}", Found.BY_RUN),
    ItemKind("runs", _RUN, "NEXT#{run}", Found.BY_RUN),
    ItemKind("runs", "DIGEST#{org}#{project}#{sha256}#{shard}", "{run}#{treatment}#{port}", Found.DERIVED),
    ItemKind("runs", _RUN, "GROWTH#{group}", Found.BY_RUN),
    ItemKind("runs", _RUN, "PLACES#{group}", Found.BY_RUN),
    ItemKind("runs", _RUN, "SPEC#{name}", Found.BY_RUN),
    ItemKind("runs", _RUN, "SUMMARY#{treatment}", Found.BY_RUN),
    ItemKind("runs", _RUN, "STEPS#{treatment}#{attempt:04}", Found.BY_RUN),
    ItemKind("runs", _RUN, "TESTS#{treatment}", Found.BY_RUN, "test reports"),
    ItemKind(
        "runs",
        "BRANCHTESTS#{org}#{project}#{pipeline}",
        "{sha256 of repository and branch}#{treatment}",
        Found.DERIVED,
    ),
    ItemKind("runs", "FLAKYTESTS#{org}#{project}#{pipeline}", "{sha256 of treatment and test}", Found.DERIVED),
    ItemKind("runs", _RUN, "SPLIT#{group}", Found.BY_RUN),
    ItemKind("runs", "TESTDURATIONS#{org}#{project}#{pipeline}", "{sha256 of branch}#{treatment}", Found.DERIVED),
    ItemKind("runs", "TESTEDWORK#{sha256}", "{run}#{treatment}#{attempt:04}", Found.EXPIRES),
    ItemKind("runners", _RUNNER, "RUNNER", Found.BY_RUNNER, "runners"),
    ItemKind("runners", _RUNNER, "OUTPUT#{port}", Found.BY_RUNNER),
    ItemKind("runners", _RUNNER, "CHUNKS#{port}#{first_seq:012}", Found.BY_RUNNER),
    ItemKind("runners", _RUNNER, "SAMPLES#{ms of the first:015}", Found.BY_RUNNER),
    ItemKind("runners", _RUNNER, "CONSUMER#{port}#{consumer runner}", Found.BY_RUNNER),
    ItemKind("runners", _RUN, "FOLLOW", Found.BY_RUN),
    ItemKind("runners", _RUN, "TUNNEL#{token}", Found.BY_RUN),
    ItemKind("runners", _RUN, "SHELL#{shell}#{side}", Found.BY_RUN),
    ItemKind("runners", _RUN, "WORKERSECRETS", Found.BY_RUN),
    ItemKind("runners", _POOL, "OFFER#{100 - priority:03}#{project}#{runner}", Found.ORGANIZATION),
    ItemKind("runners", _POOL, "HOST#{host}", Found.ORGANIZATION, "hosts"),
    ItemKind("runners", _POOL, "ACTIVE#{runner}", Found.ORGANIZATION),
    ItemKind("runners", _POOL, "MARK#{ref}", Found.ORGANIZATION),
    ItemKind("runners", _POOL, "SWEEP", Found.ORGANIZATION),
    ItemKind("runners", _POOL, "PROBE", Found.ORGANIZATION),
    ItemKind("runners", _POOL, "PROBE#values", Found.ORGANIZATION),
    ItemKind("runners", _POOL, "REFUSAL#{offer}", Found.ORGANIZATION),
    ItemKind("runners", _POOL, "CIRCUIT#{offer}", Found.ORGANIZATION),
    ItemKind("runners", _POOL, "CLAIM#{ref}", Found.ORGANIZATION),
    ItemKind("runners", _POOL, "SPENT#{month}", Found.ORGANIZATION),
    ItemKind("runners", _POOL, "CHARGE#{runner}", Found.EXPIRES),
    ItemKind("runners", "PACE#{account}#{region}#{api}", "PACE", Found.ORGANIZATION),
    ItemKind("runners", "CACHE#{org}#{project}", "KEY#{key}", Found.BY_PROJECT, "caches"),
    ItemKind("runners", "CACHE#{org}#{project}", "UPLOAD#{entry}", Found.BY_PROJECT),
    ItemKind("runners", "STORAGE#{org}#{project}", "DAY#{date}", Found.BY_PROJECT),
    ItemKind("runners", "STORAGE#{org}#{project}", "LIMIT", Found.BY_PROJECT),
    ItemKind("runners", _RUNNER, "RESTORED#{entry}", Found.BY_RUNNER),
    ItemKind("runners", _RUNNER, "SAVED#{entry}", Found.BY_RUNNER),
    ItemKind("runners", "CACHEUSE#{org}#{project}#{entry}", "{run}#{treatment}#{attempt}", Found.DERIVED),
    ItemKind("logs", _RUN, "SEGMENT#{n:012}", Found.BY_RUN, "log segments"),
    ItemKind("logs", _RUN, "HEAD", Found.BY_RUN),
    ItemKind("logs", "ARRIVALS#{org}#{lane}", "LANE", Found.ORGANIZATION),
    ItemKind("logs", "ARRIVALS#{org}#{lane}", "ARRIVAL#{n:015}", Found.EXPIRES),
    ItemKind("logs", "LIVE#{org}", "CONNECTION#{id}", Found.EXPIRES),
    ItemKind("logs", "LIVE#{org}", "WATCHING", Found.EXPIRES),
    ItemKind("logs", "LIVE#*", "WATCHING", Found.EXPIRES),
    ItemKind("logs", "CONNECTION#{id}", "CONNECTION", Found.EXPIRES),
    ItemKind("logs", "CONNECTION#{id}", "WATCH#{run}", Found.EXPIRES),
    ItemKind("logs", "CONNECTION#{id}", "WATCH#LIST#{org}", Found.EXPIRES),
    ItemKind("logs", "WATCHED#{run}", "CONNECTION#{id}", Found.EXPIRES),
    ItemKind("logs", "WATCHED#LIST#{org}", "CONNECTION#{id}", Found.EXPIRES),
    ItemKind("logs", "WATCHED#{run}", "NUMBER", Found.EXPIRES),
    ItemKind("logs", "TICKET#{sha256}", "TICKET", Found.EXPIRES),
    ItemKind("logs", _RUNNER, "WATERMARK", Found.BY_RUNNER),
    ItemKind("logs", "LOGGED#{org}#{project}", "{day}", Found.BY_PROJECT),
    ItemKind("logs", "FRESH#{org}#{project}", "{run}#{n:012}", Found.BY_PROJECT),
    ItemKind("logs", "SPLITS#{org}#{project}", "SPLIT#{split}", Found.BY_PROJECT, "parts of the search index"),
    ItemKind("logs", "SPLITS#{org}#{project}", "DEAD_LETTER#{run}#{n:012}", Found.BY_PROJECT, "dead letters"),
    ItemKind("logs", "INDEXES", "{org}#{project}", Found.LISTED),
    ItemKind("logs", "DEAD_LETTER#{org}", "RECORD#{number}", Found.LISTED, "dead letters"),
    ItemKind("telemetry", _PROJECT, "SERIES#{pipeline}", Found.BY_PROJECT, "series of metrics"),
    ItemKind(
        "telemetry",
        _PROJECT,
        "SERIES#{pipeline}#{treatment}#{pool}#{provider}",
        Found.BY_PROJECT,
        "series of metrics",
    ),
    ItemKind("telemetry", "SEEN#{event}", "SEEN", Found.EXPIRES),
    ItemKind("telemetry", _RUN, "COST#{treatment}", Found.BY_RUN),
    ItemKind("telemetry", "EXPORT#{org}#{name}", "HEAD", Found.DERIVED),
    ItemKind("telemetry", "EXPORT#{org}#{name}", "PENDING#{time}#{key}", Found.DERIVED),
    ItemKind("telemetry", "EXPORT#{org}#{name}", "DEAD#{time}#{key}", Found.DERIVED),
    ItemKind("telemetry", "EXPORT#{org}#{name}", "SENT", Found.DERIVED),
    ItemKind("telemetry", "EXPORT#{org}#{name}", "BACKFILL#{id}", Found.DERIVED),
    ItemKind("alerts", "ALERTS#{org}", "RULE#{project}#{name}", Found.LISTED, "alert rules"),
    ItemKind("alerts", "ALERTS#{org}", "CHANNEL#{project}#{name}", Found.LISTED, "alert channels"),
    ItemKind("alerts", "ALERTS#{org}", "SILENCE#{project}#{id}", Found.LISTED, "silences"),
    ItemKind("alerts", "LISTENERS", "{org}", Found.ORGANIZATION),
    ItemKind("alerts", "ALERT#{org}#{project}#{rule}", "{digest}", Found.BY_PREFIX, "alerts"),
    ItemKind("alerts", "HAPPENED#{org}#{project}#{rule}#{revision}#{group}", "{second}#{event}", Found.BY_PREFIX),
    ItemKind("alerts", "HISTORY#{org}#{project}#{pipeline}#{treatment}", "{measure}", Found.BY_PREFIX),
    ItemKind("alerts", "OUTBOX#{org}#{project}#{channel}", "WAITING#{time}#{message}", Found.BY_PREFIX, "messages"),
    ItemKind("alerts", "OUTBOX#{org}#{project}#{channel}", "DEAD_LETTER#{time}#{message}", Found.BY_PREFIX, "messages"),
    ItemKind("alerts", "OUTBOX#{org}#{project}#{channel}", "DELIVERY", Found.BY_PREFIX),
)


def partitions(found: Found) -> frozenset[tuple[str, str]]:
    """Returns the tables and the templates of partitions of the kinds that are found in one way."""
    return frozenset((kind.table, kind.pk) for kind in KINDS if kind.found is found)


def counted_as(table: str, pk: str, sk: str) -> str:
    """Returns the name in counts of an item with these keys."""
    for kind in KINDS:
        matches = sk == kind.sk if kind.prefix == kind.sk else sk.startswith(kind.prefix)
        if kind.table == table and pk.startswith(fixed_part(kind.pk)) and matches:
            return kind.counted_as
    return "other items"
