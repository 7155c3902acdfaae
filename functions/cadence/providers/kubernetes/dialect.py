"""Reads the refusals of the API of Kubernetes."""

from cadence.domain.shared.errors import CadenceError, CapacityExhausted, Conflict
from cadence.providers.rest import Refusal, RestResponse, mentions

# A quota or a limit of the namespace: there is room again once other jobs end.
_FULL = ("exceeded quota", "insufficient quota", "maximum number of")


class KubernetesDialect:
    """Implements `Dialect`."""

    name = "Kubernetes"

    def read(self, answer: RestResponse) -> Refusal:
        body = answer.body if isinstance(answer.body, dict) else {}
        message = body.get("message") or (answer.body if isinstance(answer.body, str) else "")
        return Refusal(answer.status, str(body.get("reason") or ""), str(message))

    def decide(self, refusal: Refusal, answer: RestResponse) -> type[CadenceError] | None:
        if refusal.status == 403 and mentions(refusal, _FULL):
            return CapacityExhausted
        return Conflict if refusal.code == "AlreadyExists" else None
