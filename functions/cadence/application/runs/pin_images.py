"""Replaces image tags by digests at admission, so that all treatments of a run and its reruns use the same images."""

from collections.abc import Iterable, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

from cadence.application.shared.ports import Documents
from cadence.application.shared.resolve_secrets import decrypt_meant
from cadence.application.shared.run_ports import RunStore
from cadence.application.shared.secret_ports import SecretReader
from cadence.application.shared.secret_sources import ReadSecretSources
from cadence.domain.access.secret_owner import SecretUse
from cadence.domain.pipelines import plan
from cadence.domain.pipelines.image import Image, parse_image, registry_of
from cadence.domain.pipelines.registry_login import RegistryLogin, registry_login
from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.runs.run import Run
from cadence.domain.runs.states import RunState
from cadence.domain.shared.errors import CannotRun, Conflict, ProviderRejected, Transient
from cadence.domain.triggers.git_events import from_fork

_AT_ONCE = 8
_QUIET_SECONDS = 1.0  # after which a run says which registry it waits for


class ImageRegistries(Protocol):
    """Resolves image tags."""

    def digest(self, image: Image, login: RegistryLogin | None = None) -> str:
        """Returns the digest (`sha256:…`) of the image's tag. Raises ProviderRejected (refused for good), Transient."""


@dataclass(frozen=True, kw_only=True)
class PinImages:
    """Pins the images of a run's plan.

    `resolves_loopback` is whether a registry on the loopback interface is the same one for the runners.
    """

    runs: RunStore
    documents: Documents
    registries: ImageRegistries
    secrets: SecretReader
    sources: ReadSecretSources
    resolves_loopback: bool

    def pin(self, run: Run) -> Run:
        """Returns the run with a plan whose images all have digests. Safe to repeat.

        Raises ProviderRejected, Transient.
        """
        content = self.documents.get(run.plan_sha256)
        if b'"image"' not in content:
            return run
        specs = plan.decode(content)
        images = sorted({image for spec in specs for image in images_of(spec) if self._is_open(image)})
        if not images:
            return run
        digests = self._resolve(run, images, self._logins(run, specs))
        frozen = plan.encode([_pinned(spec, digests) for spec in specs])
        return self.runs.freeze_plan(run.run_id, run.plan_sha256, self.documents.put(frozen))

    def _is_open(self, text: str) -> bool:
        return parse_image(text).is_open(loopback_resolves=self.resolves_loopback)

    def _logins(self, run: Run, specs: Iterable[TreatmentSpec]) -> Mapping[str, RegistryLogin]:
        """Returns the logins by registry; none for a fork's run, where images that need one are skipped."""
        named = {registry_of(host): name for spec in specs for host, name in _registries(spec).items()}
        if not named or from_fork(run.event):
            return {}
        uses = dict.fromkeys(named.values(), SecretUse())
        try:
            secrets = decrypt_meant(self.secrets, run.organization, run.project, uses)
            secrets = self.sources.read(run.organization, run.project, secrets, environment=None, identify=None)
        except CannotRun as error:
            raise ProviderRejected(f"A login of `registries` cannot be used: {error.message}") from None
        return {registry: registry_login(secrets[name].value) for registry, name in named.items()}

    def _resolve(self, run: Run, images: Iterable[str], logins: Mapping[str, RegistryLogin]) -> Mapping[str, str]:
        def resolve(text: str) -> str:
            image = parse_image(text)
            return str(image.pinned(self.registries.digest(image, logins.get(image.registry))))

        pool = ThreadPoolExecutor(_AT_ONCE)
        answers = {image: pool.submit(resolve, image) for image in images}
        try:
            wait(answers.values(), _QUIET_SECONDS, FIRST_EXCEPTION)
            self._note_missing(run, answers)
            return {image: answer.result() for image, answer in answers.items()}
        finally:
            # The first refusal decides; requests that have not begun by then are dropped.
            pool.shutdown(cancel_futures=True)

    def _note_missing(self, run: Run, answers: "Mapping[str, Future[str]]") -> None:
        """Notes the first image whose registry has not answered, or did not answer at all."""
        for image, answer in answers.items():
            if not answer.done() or isinstance(answer.exception(), Transient):
                reason = f"the registry {parse_image(image).registry} to answer for the image {image}"
                if run.waiting_for != reason:
                    with suppress(Conflict):  # it is being stopped
                        self.runs.note_waiting(run.run_id, reason, RunState.RUNNING)
                return


def images_of(spec: TreatmentSpec) -> Iterable[str]:
    """Returns the images of a treatment, of its services and of its instances, as they are written."""
    if spec.image:
        yield spec.image
    for service in spec.services:
        yield service.image
    if spec.instance:
        yield from images_of(spec.instance)


def _registries(spec: TreatmentSpec) -> Mapping[str, str]:
    return {**spec.registries, **(_registries(spec.instance) if spec.instance else {})}


def _pinned(spec: TreatmentSpec, digests: Mapping[str, str]) -> TreatmentSpec:
    return replace(
        spec,
        image=digests.get(spec.image, spec.image) if spec.image else None,
        services=tuple(replace(each, image=digests.get(each.image, each.image)) for each in spec.services),
        instance=_pinned(spec.instance, digests) if spec.instance else None,
    )
