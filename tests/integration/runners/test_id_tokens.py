"""Identity tokens of treatments, verified by PyJWT with the keys that the installation publishes."""

import dataclasses
from datetime import timedelta
from typing import Any

import jwt
import pytest

from cadence.adapters.dynamodb.access.audit import DynamoAuditTrail
from cadence.adapters.dynamodb.access.id_token_keys import PublishedIdTokenKeys, SigningIdTokenKeys
from cadence.adapters.dynamodb.limits.environments import DynamoEnvironmentStore
from cadence.adapters.kms.cipher import KmsCipher
from cadence.application.runners.claim import ClaimAssignment
from cadence.application.runners.renew_id_token import RenewIdToken
from cadence.application.shared.run_ports import TreatmentContext
from cadence.domain.access.audit import AuditFilter
from cadence.domain.runners.id_token import VARIABLE
from cadence.domain.shared.errors import CannotRun, Forbidden, Gone
from tests.integration.runners import test_claim
from tests.integration.runners.conftest import RUN_ID, World
from tests.permissions import within_the_role_of

ISSUER = "https://cadence.example.org"
AUDIENCE = "sts.amazonaws.com"
NONCE = "nonce-of-the-agent"
claim, host, booting = test_claim.claim, test_claim.host, test_claim.booting


@pytest.fixture
def asks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The treatment asks for a token."""
    changed(world, monkeypatch)


def changed(world: World, monkeypatch: pytest.MonkeyPatch, **run: Any) -> None:
    read = world.runs.get_context

    def asking(run_id: str, treatment: str) -> TreatmentContext:
        context = read(run_id, treatment)
        spec = dataclasses.replace(context.spec, id_token=AUDIENCE, secrets={}, registries={})
        return dataclasses.replace(context, run=dataclasses.replace(context.run, **run), spec=spec)

    monkeypatch.setattr(world.runs, "get_context", asking)


def verified(token: str, world: World, audience: str = AUDIENCE, issuer: str = ISSUER) -> dict[str, Any]:
    """Returns the claims, as another system verifies them: with the published keys alone."""
    keys = jwt.PyJWKSet.from_dict({"keys": list(PublishedIdTokenKeys("access").published(world.clock()))})
    key = keys[jwt.get_unverified_header(token)["kid"]]
    # The clock of the tests is moved by hand.
    options: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
    return dict(jwt.decode(token, key, algorithms=["RS256"], audience=audience, issuer=issuer, options=options))


@pytest.mark.usefixtures("asks")
class TestClaims:
    def test_a_treatment_gets_a_token_that_others_can_verify(
        self, world: World, claim: ClaimAssignment, booting: test_claim.Booting, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with within_the_role_of("runner_gateway", monkeypatch):
            assignment = claim.claim(*booting, NONCE, {}, ISSUER)
        token = assignment.secrets[VARIABLE]
        found = verified(token, world)
        assert (found["iss"], found["run_id"], found["treatment"]) == (ISSUER, RUN_ID, "make")
        assert found["sub"].startswith("organization:default:project:default:")
        with pytest.raises(jwt.InvalidAudienceError):
            verified(token, world, audience="another.example")
        with pytest.raises(jwt.InvalidIssuerError):
            verified(token, world, issuer="https://another.example")
        head, _, signature = token.split(".")
        forged = jwt.encode({**found, "project": "other"}, "x" * 64).split(".")[1]
        with pytest.raises(jwt.InvalidSignatureError):
            verified(f"{head}.{forged}.{signature}", world)

    def test_it_is_recorded_by_its_audience_and_stored_nowhere(
        self, world: World, claim: ClaimAssignment, booting: test_claim.Booting, caplog: pytest.LogCaptureFixture
    ) -> None:
        token = claim.claim(*booting, NONCE, {}, ISSUER).secrets[VARIABLE]
        wanted = AuditFilter(action="hand_over_id_token")
        (entry,) = DynamoAuditTrail("access").entries("default", 10, None, wanted).items
        assert entry.target == f"/v1/runs/{RUN_ID}/treatments/make: {AUDIENCE}"
        stored = "".join(world.items(table) for table in ("access", "runs", "runners"))
        assert token.rpartition(".")[2] not in stored + caplog.text
        assert "PRIVATE KEY" not in stored

    def test_the_same_agent_gets_a_token_again_if_its_answer_was_lost(
        self, world: World, claim: ClaimAssignment, booting: test_claim.Booting
    ) -> None:
        first = claim.claim(*booting, NONCE, {}, ISSUER).secrets[VARIABLE]
        world.clock.pass_time(20)
        again = claim.claim(*booting, NONCE, {}, ISSUER).secrets[VARIABLE]
        assert verified(again, world)["iat"] - verified(first, world)["iat"] == 20


def test_a_treatment_that_does_not_ask_gets_none(
    world: World, claim: ClaimAssignment, booting: test_claim.Booting
) -> None:
    assert VARIABLE not in claim.claim(*booting, NONCE, {}, ISSUER).secrets
    assert "IDTOKENKEYS" not in world.items("access")


def test_a_pull_request_from_a_fork_gets_none_even_if_it_comes_this_far(
    world: World, claim: ClaimAssignment, booting: test_claim.Booting, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed(world, monkeypatch, event={"kind": "pull_request", "fork": True})
    with pytest.raises(CannotRun, match="not given to pull requests from forks"):
        claim.claim(*booting, NONCE, {}, ISSUER)


def test_another_project_s_treatment_cannot_get_the_claims_of_this_one(
    world: World, claim: ClaimAssignment, booting: test_claim.Booting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names of pipelines, documents and events are free; organization and project are those of the run."""
    event = {"kind": "api", "repository_id": "", "organization": "acme", "project": "web", "sub": "x"}
    changed(world, monkeypatch, project="web-2", pipeline="deploy", event=event, pipeline_version=None)
    found = verified(claim.claim(*booting, NONCE, {}, ISSUER).secrets[VARIABLE], world)
    assert found["sub"] == "organization:default:project:web-2:inline:deploy"
    assert (found["organization"], found["project"]) == ("default", "web-2")


def renewing(world: World) -> RenewIdToken:
    return RenewIdToken(
        treatments=world.runs,
        environments=DynamoEnvironmentStore("access"),
        audit=DynamoAuditTrail("access"),
        id_tokens=SigningIdTokenKeys("access", KmsCipher(world.key)),
        clock=world.clock,
    )


class TestRenewal:
    @pytest.mark.usefixtures("asks")
    def test_a_runner_at_work_gets_a_new_token_and_the_audit_log_one_entry_an_hour(
        self, world: World, claim: ClaimAssignment, booting: test_claim.Booting, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = claim.claim(*booting, NONCE, {}, ISSUER).secrets[VARIABLE]
        world.clock.pass_time(2_700)
        runner = world.runners.get_runner(booting[0])
        with within_the_role_of("runner_gateway", monkeypatch):
            renewed = [renewing(world).renew(runner, ISSUER) for _ in range(3)]
        before, after = verified(first, world), verified(renewed[-1], world)
        moments = ("iat", "nbf", "exp")
        assert [after[name] - before[name] for name in moments] == [2_700, 2_700, 2_700]
        assert {**before, **dict.fromkeys(moments, 0)} == {**after, **dict.fromkeys(moments, 0)}
        (entry,) = DynamoAuditTrail("access").entries("default", 10, None, AuditFilter(action="renew_id_token")).items
        assert entry.target == f"/v1/runs/{RUN_ID}/treatments/make: {AUDIENCE}"
        stored = "".join(world.items(table) for table in ("access", "runs", "runners"))
        assert renewed[-1].rpartition(".")[2] not in stored

    def test_a_treatment_that_asked_for_none_cannot_renew_one(
        self, world: World, claim: ClaimAssignment, booting: test_claim.Booting
    ) -> None:
        claim.claim(*booting, NONCE, {}, ISSUER)
        with pytest.raises(Forbidden, match="asks for no identity token"):
            renewing(world).renew(world.runners.get_runner(booting[0]), ISSUER)

    @pytest.mark.usefixtures("asks")
    def test_a_cancelled_one_gets_none(self, world: World, claim: ClaimAssignment, booting: test_claim.Booting) -> None:
        claim.claim(*booting, NONCE, {}, ISSUER)
        runner = dataclasses.replace(world.runners.get_runner(booting[0]), cancel_reason="cancelled by Ada")
        with pytest.raises(Gone) as refused:
            renewing(world).renew(runner, ISSUER)
        assert refused.value.message == f"Runner {booting[0]} is no longer wanted: cancelled by Ada"
        assert refused.value.details == {"state": "claimed", "cancel": "cancelled by Ada"}

    def test_an_environment_that_was_closed_meanwhile_ends_it(
        self, world: World, claim: ClaimAssignment, booting: test_claim.Booting, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        changed(world, monkeypatch)
        claim.claim(*booting, NONCE, {}, ISSUER)
        read = world.runs.get_context

        def in_environment(run_id: str, treatment: str) -> TreatmentContext:
            context = read(run_id, treatment)
            return dataclasses.replace(context, spec=dataclasses.replace(context.spec, environment="production"))

        monkeypatch.setattr(world.runs, "get_context", in_environment)
        with pytest.raises(Forbidden, match="production"):
            renewing(world).renew(world.runners.get_runner(booting[0]), ISSUER)


class TestKeys:
    def test_keys_change_each_month_and_are_published_before_and_after(self, world: World) -> None:
        signer = SigningIdTokenKeys("access", KmsCipher(world.key))
        published = PublishedIdTokenKeys("access").published
        claims = {"iss": ISSUER, "aud": AUDIENCE}
        first = signer.sign(claims, world.clock())
        present, following = published(world.clock())
        world.clock.now += timedelta(days=30)
        second = signer.sign(claims, world.clock())

        assert jwt.get_unverified_header(first)["kid"] == present["kid"]
        assert jwt.get_unverified_header(second)["kid"] == following["kid"]
        assert [key["kid"] for key in published(world.clock())][:2] == [present["kid"], following["kid"]]
        for token in (first, second):
            assert verified(token, world)["iss"] == ISSUER
        # The first one cannot be verified for ever.
        world.clock.now += timedelta(days=60)
        assert present["kid"] not in {key["kid"] for key in published(world.clock())}

    def test_processes_share_a_key_also_those_that_begin_at_the_same_time(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from cadence.adapters.dynamodb.access import id_token_keys

        one, other = (SigningIdTokenKeys("access", KmsCipher(world.key)) for _ in range(2))
        find, looks = id_token_keys._find, iter([None])
        kid = jwt.get_unverified_header(one.sign({}, world.clock()))["kid"]
        # The other one has looked before the key was there.
        monkeypatch.setattr(id_token_keys, "_find", lambda period: next(looks, find(period)))
        assert jwt.get_unverified_header(other.sign({}, world.clock()))["kid"] == kid

    def test_only_public_parts_are_published(self, world: World) -> None:
        SigningIdTokenKeys("access", KmsCipher(world.key)).sign({}, world.clock())
        for key in PublishedIdTokenKeys("access").published(world.clock()):
            assert set(key) == {"kty", "n", "e", "kid", "use", "alg"}
