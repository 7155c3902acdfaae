"""Gives the webhooks of GitHub Apps to the connected repositories that they are about."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cadence.application.repositories.github_app_ports import GitHubAppStore
from cadence.application.repositories.ports import RepositoryStore
from cadence.application.repositories.process_repository_delivery import ProcessRepositoryDelivery
from cadence.application.triggers.ports import Delivery
from cadence.application.triggers.process_delivery import Undeliverable
from cadence.domain.shared.errors import InvalidRequest, NotFound
from cadence.domain.triggers.githosts.payload import read_payload, text


@dataclass(frozen=True, kw_only=True)
class ProcessAppDelivery:
    """Processes webhooks of Apps. Those of repositories that are not connected with the App start nothing."""

    apps: GitHubAppStore
    repositories: RepositoryStore
    deliveries: ProcessRepositoryDelivery

    def process(self, delivery: Delivery) -> Sequence[str]:
        """Returns the ids of the started runs. Repeatable and raises like `ProcessRepositoryDelivery.process`."""
        try:
            app = self.apps.get_app(delivery.githost_id)
            payload = read_payload(delivery.body, delivery.content_type)
        except (NotFound, InvalidRequest) as error:
            raise Undeliverable(error.message) from error
        name = text(payload, "repository", "full_name")
        repository = self.repositories.find_repository(app.organization, app.project, f"{app.origin}/{name}")
        if repository is None or repository.app_id != app.app_id:
            return ()
        return self.deliveries.process(replace(delivery, githost_id=repository.repository_id))
