"""Pools over the API's own Lambda: what may be said of them, and what is never said back."""

import dataclasses
from datetime import timedelta
from typing import Any

import pytest

from cadence.adapters.aws.clients import client
from cadence.application.placement.budgets import Charge
from cadence.application.placement.ports import CheckResult, PoolProbe, SweepResult
from cadence.domain.runners.runner import Runner, RunnerState
from cadence.domain.shared.errors import InvalidRequest, ProviderRejected, Violation
from tests.integration.api.calling import Api
from tests.integration.api.test_cli import cadence, server

__all__ = ["cadence", "server"]  # fixtures

CLOUD: dict[str, Any] = {
    "provider": "fake",
    "credentials": {"secret_key": "hunter2"},
    "settings": {"zone": "fr-par-1"},
    "region": "fr-par",
    "residency": "eu",
    "price": {"per_hour": 1.5, "currency": "EUR"},
    "offers": [{"name": "DEV1-S", "cpu": 2000, "memory": 2048, "per_hour": 0.01, "spot": True}],
    "labels": ["gpu=none"],
    "warm": [{"days": ["mon"], "start": "08:00", "end": "18:30", "timezone": "Europe/Paris", "stopped": 2}],
    "max_duration": 7200,
    "budget": {"per_month": 100},
}


@pytest.fixture
def asked(api: Api, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What providers' Lambdas were asked; there is a provider `fake` that knows the setting `zone`."""
    calls: list[tuple[str, str]] = []

    def ask(_: Any, operation: str, organization: str, pool: str, provider: str, **more: str) -> None:
        calls.append((operation, pool))

    def check(provider: str, settings: dict[str, Any]) -> list[Violation]:
        return [Violation(f"/settings/{name}", "is unknown") for name in settings if name != "zone"]

    monkeypatch.setattr("cadence.adapters.aws.lambda_provider_calls.LambdaProviderCalls.ask", ask)
    monkeypatch.setattr("api.routes.pools.PROVIDERS", ("host", "fake"))
    monkeypatch.setattr("api.routes.pools.check_settings", check)
    return calls


def pointers(answer: Any) -> list[str]:
    return [one["pointer"] for one in answer.json["violations"]]


def test_a_pool_is_given_back_as_it_was_given_but_for_its_credentials(api: Api, asked: list[tuple[str, str]]) -> None:
    assert api("PUT", "/v1/pools/par", CLOUD).status == 201
    detail = api("GET", "/v1/pools/par").json
    assert {key: detail["pool"][key] for key in CLOUD if key not in {"credentials", "offers"}} == {
        key: value if key != "warm" else [{**value[0], "ready": 0}]
        for key, value in CLOUD.items()
        if key not in {"credentials", "offers"}
    }
    assert detail["credentials"]["names"] == ["secret_key"]
    assert "hunter2" not in api("GET", "/v1/pools/par").text + api("GET", "/v1/pools").text
    assert "hunter2" not in str(client("dynamodb").scan(TableName="access")["Items"])
    assert asked == [("probe", "par")]
    # What was given back may be given again, and keeps the credentials.
    again = {key: value for key, value in detail["pool"].items() if key != "name"}
    assert api("PUT", "/v1/pools/par", again).status == 200
    assert api("GET", "/v1/pools/par").json["credentials"]["names"] == ["secret_key"]
    assert api.services.pools.credentials.get(api.services.access.get_pool("default", "par")) == {
        "secret_key": "hunter2"
    }


def test_credentials_are_for_one_provider_only(api: Api, asked: list[tuple[str, str]]) -> None:
    api("PUT", "/v1/pools/par", CLOUD)
    api("PUT", "/v1/pools/par", {"provider": "host"})
    pool = api.services.access.get_pool("default", "par")
    assert api.services.pools.credentials.get(pool) == {}


@pytest.mark.parametrize("name", ["auth_url", "certificate_authority", "issuer", "server", "url"])
def test_kept_credentials_go_to_no_other_address(api: Api, asked: list[tuple[str, str]], name: str) -> None:
    api("PUT", "/v1/pools/par", CLOUD)
    pool = api.services.access.get_pool("default", "par")
    moved = dataclasses.replace(pool, settings={**pool.settings, name: "https://elsewhere.example.org"})
    with pytest.raises(InvalidRequest, match=rf"address changes \({name}\)"):
        api.services.pools.put(moved, None)
    assert api.services.access.get_pool("default", "par") == pool
    api.services.pools.put(moved, {"secret_key": "anew"})
    api.services.pools.put(dataclasses.replace(moved, max_runners=3), None)
    assert api.services.pools.credentials.get(moved) == {"secret_key": "anew"}


def test_a_new_pool_has_no_credentials_of_an_earlier_one(api: Api, asked: list[tuple[str, str]]) -> None:
    api("PUT", "/v1/pools/par", CLOUD)
    pool = api.services.access.get_pool("default", "par")
    api.services.access.remove_pool("default", "par")  # a removal that failed before it came to the credentials
    again = {key: value for key, value in CLOUD.items() if key != "credentials"}
    assert api("PUT", "/v1/pools/par", again).status == 201
    assert api.services.pools.credentials.get(pool) == {}


def test_mistakes_are_told_with_their_places_and_without_values(api: Api, asked: list[tuple[str, str]]) -> None:
    wrong = {
        **CLOUD,
        "settings": {"zone": "a", "secret": "hunter2"},
        "warm": [{"start": "25:00", "timezone": "Mars/Base"}, {"start": "08:00", "end": "07:00"}],
    }
    answer = api("PUT", "/v1/pools/par", wrong)
    assert answer.status == 422
    assert pointers(answer) == ["/warm/0/start", "/warm/0/timezone", "/settings/secret"]
    assert "hunter2" not in answer.text
    assert pointers(api("PUT", "/v1/pools/par", {"provider": "fake", "budget": {"per_month": 1}})) == ["/budget"]
    assert pointers(api("PUT", "/v1/pools/par", {"provider": "moon"})) == ["/provider"]
    assert pointers(api("PUT", "/v1/pools/par", {"provider": "host", "credentials": {"a": "b"}})) == ["/credentials"]


def test_settings_are_checked_by_the_providers_schema(api: Api) -> None:
    answer = api("PUT", "/v1/pools/mine", {"provider": "host", "settings": {"password": "hunter2"}})
    assert answer.status == 422 and pointers(answer) == ["/settings"]
    assert "password" in answer.text and "hunter2" not in answer.text
    assert api("GET", "/v1/schemas/pool-settings/host/1").json["title"] == "Settings of a pool of hosts"


def test_what_was_found_and_what_runs_is_shown(api: Api, asked: list[tuple[str, str]]) -> None:
    api("PUT", "/v1/pools/par", CLOUD)
    its, now = api.services.pools, api.services.clock()
    checks = (CheckResult("credentials"), CheckResult("quota", "0 of 10 left", "ask for more"))
    its.records.note_probe("default", "par", PoolProbe(now, checks))
    its.records.note_sweep("default", "par", SweepResult(now, 3, 1))
    its.refusals.note("default", "par", ["DEV1-S"], now, "out of stock")
    began = now - timedelta(hours=2)
    api.services.runners.put_runner(
        Runner(
            runner_id="r-1",
            run_id="01run",
            treatment="build",
            attempt=1,
            organization="default",
            project="default",
            pool="par",
            provider="fake",
            state=RunnerState.BOOTING,
            created_at=began,
        )
    )
    its.records.note_active("default", "par", "r-1", began)
    detail = api("GET", "/v1/pools/par").json
    assert (detail["probe"]["passed"], detail["probe"]["checks"][1]["missing"]) == (False, "0 of 10 left")
    assert (detail["sweep"]["seen"], detail["sweep"]["ended"]) == (3, 1)
    (refusal,) = detail["refusals"]
    assert (refusal["offer"], refusal["reason"], refusal["times"]) == ("DEV1-S", "out of stock", 1)
    (runner,) = detail["runners"]
    assert (runner["treatment"], runner["attempt"], runner["state"]) == ("build", 1, "booting")
    assert runner["cost"] == pytest.approx(3.0, abs=0.1)
    assert runner["currency"] == "EUR"


def test_what_was_spent_of_a_budget_is_shown(api: Api, asked: list[tuple[str, str]], cadence: Any) -> None:
    api("PUT", "/v1/pools/par", CLOUD)
    api("PUT", "/v1/pools/free", {"provider": "fake"})
    its, now = api.services.pools, api.services.clock()
    assert api("GET", "/v1/pools/free").json["spending"] is None
    for name, hours in (("r-1", 4), ("r-2", 10)):
        charge = Charge(runner_id=name, month=f"{now:%Y-%m}", per_hour=5.0, reserved=5.0 * hours, began=now)
        assert its.ledger.reserve("default", "par", charge, 100)
    its.ledger.settle("default", "par", "r-1", now + timedelta(hours=2))

    spending = api("GET", "/v1/pools/par").json["spending"]
    assert spending == {
        "month": f"{now:%Y-%m}", "per_month": 100, "spent": 10, "set_aside": 50, "currency": "EUR",
    }  # fmt: skip
    printed = " ".join(cadence("pool", "show", "par").stdout.split())
    assert (
        f"budget of {now:%Y-%m}: ##----------........ 10.00 of 100.00 EUR spent (10%), 50.00 set aside for active runners"
        in printed
    )


def test_runners_are_listed_with_what_they_run_since_when_and_at_what_cost(
    api: Api, asked: list[tuple[str, str]], there: list[str]
) -> None:
    offered = {key: value for key, value in CLOUD.items() if key not in {"price", "budget"}}
    assert api("PUT", "/v1/pools/par", offered).status == 201
    assert api("PUT", "/v1/pools/far", {"provider": "fake"}).status == 201
    its, now = api.services.pools, api.services.clock()
    began = now - timedelta(hours=2)
    made = Runner(
        runner_id="01run-r-1",
        run_id="01run",
        treatment="build",
        attempt=2,
        organization="default",
        project="default",
        pool="par",
        provider="fake",
        state=RunnerState.BOOTING,
        created_at=began,
    )
    bought = dataclasses.replace(
        made, offer="DEV1-S spot in fr-par-1", per_hour=0.25, currency="EUR", phase="booting: download",
        boot_phases={"network": 1.5, "download": 4.0},
    )  # fmt: skip
    unpriced = dataclasses.replace(made, runner_id="01run-r-2", pool="far", created_at=now)
    secret = dataclasses.replace(made, runner_id="01run-r-3", project="hidden")
    # It went on in another pool, which is where it is listed.
    moved = dataclasses.replace(made, runner_id="01run-r-4", pool="far")
    for runner, pool in ((bought, "par"), (unpriced, "far"), (secret, "par"), (moved, "par")):
        api.services.runners.put_runner(runner)
        its.records.note_active("default", pool, runner.runner_id, began)

    everything = api("GET", "/v1/runners").json["items"]
    assert [one["runner_id"] for one in everything] == ["01run-r-1", "01run-r-3", "01run-r-2"]
    first, last = everything[0], everything[-1]
    assert (first["run_id"], first["treatment"], first["attempt"]) == ("01run", "build", 2)
    assert (first["offer"], first["per_hour"], first["currency"]) == ("DEV1-S spot in fr-par-1", 0.25, "EUR")
    assert first["cost"] == pytest.approx(0.5, abs=0.01)
    assert (first["phase"], first["boot_phases"]) == ("booting: download", {"network": 1.5, "download": 4.0})
    assert (last["cost"], last["currency"]) == (None, None)
    own = api("GET", "/v1/runners", token=api.token_for(["runners:read"], project="default"))
    assert [one["runner_id"] for one in own.json["items"]] == ["01run-r-1", "01run-r-2"]


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What there is of each pool, by the words of its infrastructure; a word that begins with `!` is all
    that it says.
    """
    found: list[str] = []

    def machines(_: Any, organization: str, pool: str, provider: str) -> list[str]:
        if found and found[0].startswith("!"):
            raise ProviderRejected(found[0][1:])
        return list(found)

    monkeypatch.setattr("cadence.adapters.aws.lambda_provider_calls.LambdaProviderCalls.machines", machines)
    return found


def test_a_pool_whose_machines_nobody_can_tell_is_abandoned_by_word_only(
    api: Api, asked: list[tuple[str, str]], there: list[str]
) -> None:
    api("PUT", "/v1/pools/par", CLOUD)
    there[:] = ["!AuthFailure: not able to validate the credentials"]
    refused = api("DELETE", "/v1/pools/par")
    assert refused.status == 409 and "AuthFailure" in refused.text and "--abandon" in refused.text
    assert api("GET", "/v1/pools/par").status == 200
    assert api("DELETE", "/v1/pools/par", query={"abandon": "true"}).status == 204


def test_a_runner_that_is_asked_for_while_the_pool_is_removed_keeps_it(
    api: Api, asked: list[tuple[str, str]], there: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    api("PUT", "/v1/pools/par", CLOUD)
    its, remove = api.services.pools, api.services.access.remove_pool

    def asked_for(organization: str, name: str) -> None:
        its.records.note_active("default", "par", "r-1", api.services.clock())
        remove(organization, name)

    monkeypatch.setattr(its.directory, "remove_pool", asked_for)
    refused = api("DELETE", "/v1/pools/par")
    assert refused.status == 409 and "has 1 runners" in refused.text
    assert api("GET", "/v1/pools/par").json["credentials"]["names"] == ["secret_key"]
    assert [pool.pool for pool in api.services.access.swept_pools()] == ["par"]


def test_a_pool_is_removed_once_nothing_of_it_exists(api: Api, asked: list[tuple[str, str]], there: list[str]) -> None:
    api("PUT", "/v1/pools/par", CLOUD)
    its, now = api.services.pools, api.services.clock()
    its.records.note_active("default", "par", "r-1", now)
    api.services.runners.put_runner(
        Runner(
            runner_id="r-1",
            run_id="01run",
            treatment="build",
            attempt=1,
            organization="default",
            project="default",
            pool="par",
            provider="fake",
            state=RunnerState.BOOTING,
            created_at=now,
        )
    )
    refused = api("DELETE", "/v1/pools/par")
    assert refused.status == 409 and "has 1 runners" in refused.text
    its.records.note_ended("default", "par", "r-1")
    # What the last sweep found is no matter: the infrastructure is asked now.
    its.records.note_sweep("default", "par", SweepResult(now, 0, 0))
    there[:] = ["i-1"]
    refused = api("DELETE", "/v1/pools/par")
    assert refused.status == 409 and "still has 1 machines: i-1" in refused.text
    assert asked[-1] == ("sweep", "par")
    there[:] = []
    assert api("DELETE", "/v1/pools/par").status == 204
    assert api("GET", "/v1/pools/par").status == 404
    assert api.services.access.swept_pools() == []
    assert "hunter2" not in str(client("dynamodb").scan(TableName="access")["Items"])


def test_a_pool_that_a_treatment_waits_for_is_not_removed(api: Api) -> None:
    assert api("PUT", "/v1/pools/mine", {"provider": "host"}).status == 201
    now = api.services.clock()
    offered = Runner(
        runner_id="01waiting-r-1",
        run_id="01waiting",
        treatment="build",
        attempt=1,
        organization="default",
        project="default",
        pool="mine",
        provider="host",
        state=RunnerState.OFFERED,
        created_at=now,
    )
    api.services.runners.put_runner(offered)
    api.services.hosts.put_offer(offered, now)

    refused = api("DELETE", "/v1/pools/mine")

    assert refused.status == 409
    assert "wait for a runner of pool mine: build of run 01waiting." in refused.text
    assert "cadence cancel RUN" in refused.text
    assert api("GET", "/v1/pools/mine").status == 200
    # Its treatment is cancelled; the offer stays until a host asks for work.
    api.services.runners.declare_lost(offered)
    assert api("DELETE", "/v1/pools/mine").status == 204


def test_a_probe_is_asked_for_again(api: Api, asked: list[tuple[str, str]]) -> None:
    api("PUT", "/v1/pools/par", CLOUD)
    assert api("POST", "/v1/pools/par/probe").status == 202
    assert asked == [("probe", "par")] * 2
    assert [pool.pool for pool in api.services.access.swept_pools()] == ["par"]


def test_values_can_only_be_kept_where_the_installation_may(api: Api) -> None:
    def put(**values: str) -> Any:
        return api("PUT", "/v1/pools/mine", {"provider": "host", "values": values})

    assert put(capture="digest").status == 201
    assert api("GET", "/v1/pools/mine").json["pool"]["values"] == {"capture": "digest", "bucket": None, "region": None}
    for wrong, pointer, words in (
        (
            {"bucket": "my-own"},
            "/values/bucket",
            "It was deployed with elsewhere. Deploy it with --context value_buckets=",
        ),
        (
            {"bucket": "elsewhere", "region": "us-east-1"},
            "/values/region",
            "Bucket elsewhere is in eu-west-1, not in us-",
        ),
        ({"region": "eu-west-1"}, "/values/region", "A region needs a bucket: name the bucket, too."),
        ({"capture": "some"}, "/values/capture", ""),
    ):
        answer = put(**wrong)
        assert answer.status == 422 and pointers(answer) == [pointer], answer.text
        assert words in answer.text
    answer = api("PUT", "/v1/pools/mine", {"provider": "host", "residency": "any"})
    assert pointers(answer) == ["/residency"]


def test_the_probe_names_what_a_bucket_lacks(api: Api) -> None:
    body = {"provider": "host", "values": {"bucket": "elsewhere"}}

    def probed() -> dict[str, str | None]:
        assert api("POST", "/v1/pools/mine/probe").status == 202
        probe = api("GET", "/v1/pools/mine").json["probe"]
        assert probe["passed"] == all(check["missing"] is None for check in probe["checks"])
        return {check["what"]: check["missing"] for check in probe["checks"]}

    assert api("PUT", "/v1/pools/mine", body).status == 201
    assert probed() == {
        "bucket elsewhere": "NoSuchBucket: The specified bucket does not exist",
    }
    s3 = client("s3")
    s3.create_bucket(Bucket="elsewhere", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    ages = [
        "what is below runs/ in bucket elsewhere goes after 90 days",
        "what is below caches/ in bucket elsewhere goes after 91 days",
        "what is below splits/ in bucket elsewhere goes after 91 days",
    ]
    usable: dict[str, str | None] = {"bucket elsewhere": None, "objects in bucket elsewhere": None}
    assert probed() == usable | dict.fromkeys(ages, "nothing removes it")

    def rules(*wanted: dict[str, Any]) -> None:
        said = [{"ID": str(number), "Status": "Enabled", **rule} for number, rule in enumerate(wanted)]
        s3.put_bucket_lifecycle_configuration(Bucket="elsewhere", LifecycleConfiguration={"Rules": said})

    # A rule that comes later, or is only for some objects, does not do.
    rules(
        {"Filter": {"Prefix": "runs/"}, "Expiration": {"Days": 91}},
        {"Filter": {"Tag": {"Key": "a", "Value": "b"}}, "Expiration": {"Days": 1}},
    )
    assert probed() == usable | dict.fromkeys(ages, "nothing removes it")
    rules({"Filter": {"Prefix": ""}, "Expiration": {"Days": 30}})
    assert probed() == usable | dict.fromkeys(ages)
    assert "Contents" not in s3.list_objects_v2(Bucket="elsewhere")
    # A pool that keeps its values as usual has nothing to be looked at any more.
    assert api("PUT", "/v1/pools/mine", {"provider": "host"}).status == 200
    assert api("GET", "/v1/pools/mine").json["probe"] is None
