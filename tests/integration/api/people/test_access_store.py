from datetime import UTC, datetime, timedelta

import pytest

from cadence.adapters.dynamodb.access.access_store import DynamoAccessStore
from cadence.adapters.dynamodb.access.shared_keys import DynamoSharedKeys
from cadence.application.access.authenticate import Authenticate, issue_token
from cadence.application.access.seed import Seed, Seeded
from cadence.domain.access.access import Organization, Project
from cadence.domain.placement.pool import LargestRunner, Pool
from cadence.domain.shared.errors import Conflict, NotFound, Unauthenticated
from cadence.domain.triggers.githost import GitHost, GitHostKind

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


class ReversingCipher:
    """Stands for KMS: what it returns is not the plain text, and another context is refused."""

    def encrypt(self, plain, context):
        return repr(sorted(context.items())).encode() + b"|" + plain[::-1]

    def decrypt(self, ciphertext, context):
        prefix, _, reversed_plain = ciphertext.partition(b"|")
        assert prefix == repr(sorted(context.items())).encode()
        return reversed_plain[::-1]


@pytest.fixture
def store(access_table):
    return DynamoAccessStore(access_table)


def test_names_are_taken_once(store):
    store.add_organization(Organization("acme", NOW))
    store.add_project(Project("acme", "web", NOW))

    with pytest.raises(Conflict):
        store.add_organization(Organization("acme", NOW))
    with pytest.raises(Conflict):
        store.add_project(Project("acme", "web", NOW))

    assert store.get_organization("acme") == Organization("acme", NOW)
    assert store.list_projects("acme") == [Project("acme", "web", NOW)]
    assert store.list_projects("other") == []


def test_a_pool_comes_back_as_it_was_put(store):
    pool = Pool(
        organization="acme",
        name="metal",
        provider="host",
        boot_deadline=90,
        architectures=("arm64",),
        projects=("web",),
        settings={"nested": {"a": [1]}},
        largest=LargestRunner(cpu=4_000, images=False),
    )

    assert store.put_pool(pool) is True
    assert store.put_pool(pool) is False
    assert store.get_pool("acme", "metal") == pool
    assert store.list_pools("acme") == [pool]
    with pytest.raises(NotFound):
        store.get_pool("other", "metal")


def test_a_token_is_found_by_id_listed_and_gone_after_deletion(store):
    token, text = issue_token("acme", "*", "ci", frozenset({"runs:read"}), "me", NOW)
    store.add_token(token)

    assert store.get_token(token.token_id) == token
    assert store.list_tokens("acme") == [token]
    assert text.split("_", 2)[2] not in repr(token)
    with pytest.raises(Conflict):
        store.add_token(token)

    store.delete_token("acme", token.token_id)
    store.delete_token("acme", token.token_id)
    assert store.list_tokens("acme") == []
    with pytest.raises(NotFound):
        store.get_token(token.token_id)


def test_a_githosts_secret_is_kept_apart_from_its_listing(store):
    host = GitHost(
        githost_id="01h", kind=GitHostKind.GITHUB, organization="acme", project="web", name="github", created_at=NOW
    )
    store.add_githost(host, b"sealed")

    assert store.get_githost("01h") == host
    assert store.list_githosts("acme") == [host]
    assert store.webhook_secret("01h") == b"sealed"
    with pytest.raises(NotFound):
        store.webhook_secret("02h")


def test_what_was_seen_first_stays(store):
    first = store.first_seen("DELIVERY#h#1", "f", NOW, timedelta(days=30))
    again = store.first_seen("DELIVERY#h#1", "g", NOW + timedelta(hours=1), timedelta(days=30))

    assert (first.first_seen, first.fingerprint, first.done) == (NOW, "f", False)
    assert again == first

    store.mark_done("DELIVERY#h#1")
    assert store.first_seen("DELIVERY#h#1", "f", NOW, timedelta(days=30)).done is True


def test_processes_share_one_key(store):
    one, other = DynamoSharedKeys(ReversingCipher()), DynamoSharedKeys(ReversingCipher())

    assert one.key("CURSOR") == other.key("CURSOR")
    assert len(one.key("CURSOR")) == 32


def test_seeding_twice_leaves_one_of_everything_and_working_tokens(store):
    clock = lambda: NOW  # noqa: E731
    seed, pool = Seed(store, store, clock), Pool(organization="default", name="local", provider="host")
    first = seed.seed(pool)
    assert seed.seed(pool) == Seeded(None, None)
    assert seed.seed(pool, first, replace=True) == first
    second = seed.seed(pool, Seeded("cad_unknown", first.join_token), replace=True)
    authenticate = Authenticate(store, clock)

    admin = authenticate.authenticate(f"Bearer {second.admin_token}")
    joiner = authenticate.authenticate(f"Bearer {second.join_token}")

    assert admin.may("tokens:write")
    assert admin.sees("default", "anything")
    assert joiner.may("hosts:join")
    assert not joiner.may("runs:read")
    assert len(store.list_tokens("default")) == 2
    assert [pool.name for pool in store.list_pools("default")] == ["local"]
    with pytest.raises(Unauthenticated):
        authenticate.authenticate(f"Bearer {first.admin_token}")
