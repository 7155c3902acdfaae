"""Tags become digests at admission, once for all treatments and reruns of a run."""

import dataclasses

import pytest

from cadence.application.runs.pin_images import PinImages
from cadence.domain.pipelines import plan
from cadence.domain.pipelines.image import Image, parse_image, registry_of
from cadence.domain.pipelines.registry_login import RegistryLogin
from cadence.domain.pipelines.specification import ServiceSpec, TreatmentKind
from cadence.domain.runs.states import RunState, TreatmentState
from cadence.domain.scheduling.machine_error import MachineError
from cadence.domain.shared.errors import ProviderRejected, Transient
from tests.fakes.services import no_sources
from tests.unit.scheduling.setting import RUN, Setting, spec

OLD, NEW = (f"sha256:{digit * 64}" for digit in "ab")


@pytest.mark.parametrize(
    ("text", "image"),
    [
        ("python", Image(name="python", registry="registry-1.docker.io", repository="library/python", tag="latest")),
        ("python:3.13", Image(name="python", registry="registry-1.docker.io", repository="library/python", tag="3.13")),
        (
            "docker.io/org/app:1",
            Image(name="docker.io/org/app", registry="registry-1.docker.io", repository="org/app", tag="1"),
        ),
        (
            "docker.io/python",
            Image(name="docker.io/python", registry="registry-1.docker.io", repository="library/python", tag="latest"),
        ),
        ("org/app", Image(name="org/app", registry="registry-1.docker.io", repository="org/app", tag="latest")),
        ("ghcr.io/a/b/c:v1", Image(name="ghcr.io/a/b/c", registry="ghcr.io", repository="a/b/c", tag="v1")),
        ("host:5000/app", Image(name="host:5000/app", registry="host:5000", repository="app", tag="latest")),
        ("localhost/app:1", Image(name="localhost/app", registry="localhost", repository="app", tag="1")),
        (f"x.io/a:1@{OLD}", Image(name="x.io/a", registry="x.io", repository="a", tag="1", digest=OLD)),
    ],
)
def test_references(text: str, image: Image) -> None:
    assert parse_image(text) == image


def test_a_pinned_reference_has_its_digest_instead_of_its_tag() -> None:
    assert str(parse_image("host:5000/a/b:1").pinned(OLD)) == f"host:5000/a/b@{OLD}"
    with pytest.raises(ValueError, match="no digest"):
        parse_image("a").pinned("latest")


def test_every_image_of_a_run_is_pinned_and_asked_for_once(setting: Setting) -> None:
    setting.registries.digests = {"python:3.13": OLD, "postgres:16": NEW}
    services = (ServiceSpec(name="db", image="postgres:16"),)
    setting.admitted(
        dataclasses.replace(spec("a"), image="python:3.13", services=services),
        dataclasses.replace(spec("b"), image="python:3.13"),
        dataclasses.replace(spec("c"), image="localhost/own"),
        dataclasses.replace(spec("d"), image=f"other@{OLD}"),
        dataclasses.replace(spec("e"), instance=dataclasses.replace(spec("i"), image="postgres:16")),
    )
    admitted = {name: setting.runs.get_spec(RUN, name) for name in "abcde"}
    assert [admitted[name].image for name in "abcd"] == [
        f"python@{OLD}", f"python@{OLD}", "localhost/own", f"other@{OLD}"
    ]  # fmt: skip
    assert admitted["a"].services[0].image == f"postgres@{NEW}"
    assert admitted["e"].instance
    assert admitted["e"].instance.image == f"postgres@{NEW}"
    assert sorted(setting.registries.asked) == ["postgres:16", "python:3.13"]


def test_another_admission_and_a_rerun_use_what_was_resolved_first(setting: Setting) -> None:
    setting.registries.digests = {"python:3.13": OLD}
    setting.admitted(dataclasses.replace(spec("a"), image="python:3.13"))
    setting.registries.digests = {"python:3.13": NEW}
    setting.admit.admit(RUN, "run-token")
    assert setting.registries.asked == ["python:3.13"]
    frozen = plan.decode(setting.documents.get(setting.runs.get_run(RUN).plan_sha256))
    assert [each.image for each in frozen] == [f"python@{OLD}"]


def test_of_two_admissions_at_once_the_first_decides(setting: Setting) -> None:
    setting.registries.digests = {"python:3.13": OLD}
    setting.create(dataclasses.replace(spec("a"), image="python:3.13"))
    before = setting.runs.get_run(RUN)
    setting.admit.admit(RUN, "run-token")
    setting.registries.digests = {"python:3.13": NEW}
    pin = PinImages(
        runs=setting.runs,
        documents=setting.documents,
        registries=setting.registries,
        secrets=setting.secrets,
        sources=no_sources(),
        resolves_loopback=True,
    )
    assert pin.pin(before).plan_sha256 == setting.runs.get_run(RUN).plan_sha256


def test_an_image_that_its_registry_does_not_have_ends_the_run_at_once(setting: Setting) -> None:
    with pytest.raises(ProviderRejected, match="python:4 cannot be had: 404: manifest unknown"):
        setting.admitted(dataclasses.replace(spec("a"), image="python:4"))
    assert setting.started() == []


def test_a_run_whose_image_cannot_be_had_fails_at_the_treatments_that_name_it(setting: Setting) -> None:
    instances = (dataclasses.replace(spec("m:1"), image="python:4"),)
    group = dataclasses.replace(spec("m"), kind=TreatmentKind.GATHER, instances=("m:1",))
    other = dataclasses.replace(spec("b"), image=f"other@{OLD}")
    with pytest.raises(ProviderRejected) as refusal:
        setting.admitted(dataclasses.replace(spec("a"), image="python:4"), other, *instances, group)
    setting.stop(error=MachineError("ProviderRejected", refusal.value.message))

    run = setting.finalise.finalise(RUN)
    assert (run.state, run.cause) == (RunState.FAILED, refusal.value.message)
    states = {one.name: one.state for one in setting.runs.list_treatments(RUN)}
    failed, cancelled = TreatmentState.FAILED, TreatmentState.CANCELLED
    assert states == {"a": failed, "b": cancelled, "m": failed, "m:1": failed}


def test_a_cancelled_run_ends_cancelled_though_its_images_are_not_resolved(setting: Setting) -> None:
    setting.create(dataclasses.replace(spec("a"), image="python:4"))
    setting.stop()
    assert setting.runs.get_treatment(RUN, "a").state is TreatmentState.CANCELLED


def test_a_run_says_which_registry_it_waits_for(setting: Setting) -> None:
    setting.create(dataclasses.replace(spec("a"), image="python:3.13"))
    setting.registries.down = True
    with pytest.raises(Transient):
        setting.admit.admit(RUN, "run-token")
    waits = "the registry registry-1.docker.io to answer for the image python:3.13"
    assert setting.runs.get_run(RUN).waiting_for == waits

    setting.registries.down, setting.registries.digests = False, {"python:3.13": OLD}
    setting.admit.admit(RUN, "run-token")
    assert setting.runs.get_run(RUN).waiting_for is None


def test_a_registry_on_the_loopback_interface_is_asked_only_where_it_is_the_runners_too(setting: Setting) -> None:
    setting.create(dataclasses.replace(spec("a"), image="localhost:5000/app"))
    run = setting.runs.get_run(RUN)
    assert (
        PinImages(
            runs=setting.runs,
            documents=setting.documents,
            registries=setting.registries,
            secrets=setting.secrets,
            sources=no_sources(),
            resolves_loopback=False,
        ).pin(run)
        == run
    )
    assert setting.registries.asked == []


def test_a_private_registry_is_asked_with_the_projects_secret(setting: Setting) -> None:
    setting.registries.digests = {"ghcr.io/org/app:1": OLD, "org/own:1": NEW, "python:3.13": OLD, "x.io/a:1": NEW}
    setting.secrets.values = {"packages": "ada:love:lace", "hub": "t0k3n\n"}
    registries = {"ghcr.io": "packages", "docker.io": "hub"}
    instance = dataclasses.replace(spec("i"), image="x.io/a:1", registries={"x.io": "packages"})
    setting.admitted(
        dataclasses.replace(spec("a"), image="ghcr.io/org/app:1", registries=registries),
        dataclasses.replace(spec("b"), image="org/own:1"),
        dataclasses.replace(spec("c"), instance=instance),
    )

    assert setting.registries.logins == {
        "ghcr.io/org/app:1": RegistryLogin("ada", "love:lace"),
        "org/own:1": RegistryLogin("token", "t0k3n"),
        "x.io/a:1": RegistryLogin("ada", "love:lace"),
    }


def test_a_run_whose_registrys_secret_is_gone_ends_with_that_as_its_cause(setting: Setting) -> None:
    with pytest.raises(ProviderRejected, match="no secret packages"):
        setting.admitted(dataclasses.replace(spec("a"), image="x.io/a:1", registries={"x.io": "packages"}))


@pytest.mark.parametrize("host", ["ghcr.io", "localhost:5000", "registry.example.com:8443", "127.0.0.1:5000"])
def test_hosts_of_registries(host: str) -> None:
    assert registry_of(host) == host
    assert registry_of("docker.io") == "registry-1.docker.io"


@pytest.mark.parametrize("host", ["", "ghcr", "https://ghcr.io", "ghcr.io/org", "GHCR.io", "a..b", "ghcr.io:port"])
def test_what_is_no_host_of_a_registry(host: str) -> None:
    with pytest.raises(ValueError, match="no host"):
        registry_of(host)
