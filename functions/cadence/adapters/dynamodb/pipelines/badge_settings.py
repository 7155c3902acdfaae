"""`BadgeSettingsStore` on the `pipelines` table."""

from cadence.adapters.aws.clients import client
from cadence.adapters.dynamodb.shared.plain_items import plain, refusals, wired
from cadence.domain.pipelines.badge import BadgeSettings

_SORT_KEY = "BADGES"


class DynamoBadgeSettings:
    """Keeps the settings beside the pipelines of a project."""

    def __init__(self, pipelines_table: str) -> None:
        self._table = pipelines_table

    def get_badge_settings(self, organization: str, project: str) -> BadgeSettings:
        with refusals("settings of badges"):
            key = wired({"pk": _partition(organization, project), "sk": _SORT_KEY})
            answer = client("dynamodb").get_item(TableName=self._table, Key=key, ConsistentRead=True)
        item = plain(answer.get("Item", {}))
        return BadgeSettings(public=item["public"], generation=item["generation"]) if item else BadgeSettings()

    def put_badge_settings(self, organization: str, project: str, badges: BadgeSettings) -> None:
        item = {
            "pk": _partition(organization, project),
            "sk": _SORT_KEY,
            "public": badges.public,
            "generation": badges.generation,
        }
        with refusals("settings of badges"):
            client("dynamodb").put_item(TableName=self._table, Item=wired(item))


def _partition(organization: str, project: str) -> str:
    return f"PROJECT#{organization}#{project}"
