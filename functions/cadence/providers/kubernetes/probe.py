"""Checks whether a pool could start jobs, without starting any."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cadence.domain.shared.errors import CadenceError, NotFound, ProviderRejected
from cadence.providers.contract import Check
from cadence.providers.kubernetes.settings import KubernetesSettings
from cadence.providers.rest import Rest

_NEEDED = (
    *(("batch", "jobs", verb) for verb in ("create", "get", "list", "delete")),
    ("", "secrets", "create"),
    ("", "pods", "list"),
)
_RIGHTS = "kubectl apply -f runner_bootstrap/kubernetes/namespace.yaml gives a service account all that it needs."
_ENFORCED = "pod-security.kubernetes.io/enforce"
Look = Callable[[], tuple[str | None, str | None]]
"""A function to what is missing (None: nothing), and a hint."""


@dataclass(frozen=True)
class KubernetesProbe:
    """The checks of a pool."""

    settings: KubernetesSettings
    rest: Rest

    def checks(self) -> Sequence[Check]:
        """Returns all checks, credentials first: without them the others have no result."""
        results = [self._look("credentials", self._credentials)]
        if results[0].missing:
            return results
        looks: Mapping[str, Look] = {
            "permissions": self._permissions,
            "service account": self._service_account,
            "quota": self._quota,
            "pod security": self._pod_security,
        }
        return [*results, *(self._look(subject, look) for subject, look in looks.items())]

    def _look(self, subject: str, look: Look) -> Check:
        try:
            missing, hint = look()
        except CadenceError as error:
            missing, hint = error.message, None
        return Check(subject, missing, hint)

    def _credentials(self) -> tuple[str | None, str | None]:
        """Checks the credentials with a question about their rights, which any valid ones may ask."""
        try:
            self._may("batch", "jobs", "create")
        except ProviderRejected as error:
            return error.message, "Give a token of a service account: kubectl create token NAME --duration 8760h"
        return None, None

    def _permissions(self) -> tuple[str | None, str | None]:
        denied = [f"{verb} {resource}" for group, resource, verb in _NEEDED if not self._may(group, resource, verb)]
        return (f"not allowed in {self.settings.namespace}: {', '.join(denied)}", _RIGHTS) if denied else (None, None)

    def _service_account(self) -> tuple[str | None, str | None]:
        name = self.settings.service_account
        try:
            self.rest.get(f"api/v1/namespaces/{self.settings.namespace}/serviceaccounts/{name}")
        except NotFound:
            return f"there is no service account {name} in {self.settings.namespace}", _RIGHTS
        except ProviderRejected:
            return None, "Whether its service account exists could not be looked up."
        return None, None

    def _quota(self) -> tuple[str | None, str | None]:
        try:
            quotas = self.rest.get(f"api/v1/namespaces/{self.settings.namespace}/resourcequotas")["items"]
        except ProviderRejected:
            return None, "The namespace's quotas could not be looked up."
        for quota in quotas:
            for name, hard in quota.get("status", {}).get("hard", {}).items():
                if name in {"count/jobs.batch", "pods", "count/pods"} and str(hard) == "0":
                    return f"the quota {quota['metadata']['name']} allows no {name}", None
        return None, None

    def _pod_security(self) -> tuple[str | None, str | None]:
        try:
            metadata = self.rest.get(f"api/v1/namespaces/{self.settings.namespace}")["metadata"]
        except ProviderRejected:
            return None, "The namespace could not be looked up: whether it admits the pods is not known."
        enforced = metadata.get("labels", {}).get(_ENFORCED)
        if enforced == "restricted" and self.settings.pod_security != "restricted":
            return (
                f"the namespace {self.settings.namespace} admits restricted pods only, but pod_security is {self.settings.pod_security}",
                f"kubectl label namespace {self.settings.namespace} --overwrite {_ENFORCED}={self.settings.pod_security}",
            )
        return None, None

    def _may(self, group: str, resource: str, verb: str) -> bool:
        attributes = {"namespace": self.settings.namespace, "group": group, "resource": resource, "verb": verb}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        answer: Mapping[str, Any] = self.rest.post("apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review)
        return bool(answer["status"]["allowed"])
