"""What is stored of a project among the things of its organization, and what is found only by reading a whole table."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

from cadence.adapters.dynamodb.access.access_items import organization_key
from cadence.adapters.dynamodb.access.people_items import read_policy
from cadence.adapters.dynamodb.deletion.deletion_notes import DynamoDeletionNotes
from cadence.adapters.dynamodb.deletion.run_data import StoredObjects, key_of, objects_counted
from cadence.adapters.dynamodb.deletion.stored_keys import (
    delete_items,
    query_items,
    replace_attribute,
    scan_items,
)
from cadence.adapters.dynamodb.shared.plain_items import Item
from cadence.application.deletion.ports import GITHOST, REPOSITORY, TOKEN
from cadence.domain.access.scopes import Scope
from cadence.domain.shared.errors import Conflict

_OWNERS = ("organization", "project")
_ALERTING = ("RULE", "CHANNEL", "SILENCE")

Items = tuple[str, Callable[[], Iterator[Item]]]


class OrganizationLists:
    """Finds the items of a project that are in no partition of its own."""

    def __init__(self, tables: Mapping[str, str], objects: StoredObjects, notes: DynamoDeletionNotes) -> None:
        self._tables, self._objects, self._notes = tables, objects, notes

    def items(self, organization: str, project: str) -> Iterator[Items]:
        """Returns tables, and readers of their items that go as a whole."""
        yield "access", lambda: self._in_access(organization, project)
        yield "repositories", lambda: self._in_repositories(organization, project)
        for kind in _ALERTING:
            yield "alerts", self._listed("alerts", f"ALERTS#{organization}", f"{kind}#{project}#")
        yield "logs", lambda: self._index(organization, project)

    def count_references(self, organization: str, project: str) -> Counter[str]:
        """Counts dead letters, and things of the organization that name the project."""
        counts: Counter[str] = Counter()
        for item in self._dead_letters(organization, project):
            counts += objects_counted(1, int(item["size"])) + Counter({"dead letters": 1})
        counts["dead letters"] += sum(1 for _ in self._exported(organization, project))
        for name, item in self._references(organization):
            counts[name] += project in _projects(item)
        counts["grants"] = self._count_grants(organization, project)
        for item in query_items(self._tables["access"], organization_key(organization), "INVITATION#", ("scope",)):
            counts["invitations"] += "scope" in item and Scope.parse(str(item["scope"])).project == project
        return +counts

    def remove_references(self, organization: str, project: str) -> Counter[str]:
        """Removes dead letters with their bytes, and takes the project out of lists. Raises Transient."""
        counts: Counter[str] = Counter()
        for item in self._dead_letters(organization, project):
            counts += objects_counted(*self._objects.remove_all(str(item["object_key"])))
            delete_items(self._tables["logs"], [key_of(item)])
            counts["dead letters"] += 1
        exported = list(self._exported(organization, project))
        delete_items(self._tables["telemetry"], map(key_of, exported))
        counts["dead letters"] += len(exported)
        for name, item in self._references(organization):
            if project in _projects(item):
                with suppress(Conflict):  # it was replaced meanwhile: the count afterwards finds it
                    self._drop(organization, project, item)
                    counts[name] += 1
        return +counts

    def forget(self, organization: str, project: str) -> Counter[str]:
        """Removes the notes of what the project had, once everything that it led to is gone."""
        for kind in (GITHOST, REPOSITORY, TOKEN):
            self._notes.forget(organization, project, kind)
        return Counter()

    def _drop(self, organization: str, project: str, item: Item) -> None:
        """Takes the project out of a list. An export of nothing else goes with its backlog; others stay, for none."""
        others = [name for name in _projects(item) if name != project]
        if not others and str(item["sk"]).startswith("EXPORT#"):
            backlog = query_items(
                self._tables["telemetry"], f"EXPORT#{organization}#{str(item['sk'])[len('EXPORT#') :]}"
            )
            delete_items(self._tables["telemetry"], map(key_of, backlog))
            delete_items(self._tables["access"], [key_of(item)])
        else:
            replace_attribute(
                self._tables["access"], key_of(item), "projects", str(item["projects"]), json.dumps(others)
            )

    def _references(self, organization: str) -> Iterator[tuple[str, Item]]:
        partition = organization_key(organization)
        for pk, prefix, name in (
            (partition, "POOL#", "pools' lists of projects"),
            (partition, "EXPORT#", "exports"),
            (f"SHAREDSECRETS#{organization}", "SECRET#", "shared secrets' lists of projects"),
        ):
            for item in query_items(self._tables["access"], pk, prefix, ("projects",)):
                if "projects" in item:  # pools' secrets have no list
                    yield name, item

    def _dead_letters(self, organization: str, project: str) -> Iterator[Item]:
        items = query_items(
            self._tables["logs"], f"DEAD_LETTER#{organization}", "RECORD#", ("project", "object_key", "size")
        )
        return (item for item in items if item.get("project") == project)

    def _count_grants(self, organization: str, project: str) -> int:
        items = query_items(self._tables["access"], organization_key(organization), "POLICY", ("version", "content"))
        policies = [read_policy(organization, int(item["version"]), bytes(item["content"])) for item in items]
        return sum(grant.scope.project == project for policy in policies for grant in policy.grants)

    def _exported(self, organization: str, project: str) -> Iterator[Item]:
        """Returns events of the project that wait for receivers of the organization, or that these refused."""
        for name, export in self._references(organization):
            if name == "exports":
                partition = f"EXPORT#{organization}#{str(export['sk'])[len('EXPORT#') :]}"
                for item in query_items(self._tables["telemetry"], partition, "", ("event",)):
                    if json.loads(str(item.get("event", "{}"))).get("project") == project:
                        yield item

    def _in_access(self, organization: str, project: str) -> Iterator[Item]:
        # The audit log is the largest part of the table, and stays.
        everything = scan_items(
            self._tables["access"],
            "NOT begins_with(#pk, :audit)",
            {"#pk": "pk"},
            {":audit": "AUDIT#"},
            _OWNERS,
        )
        tokens = self._notes.noted(organization, project, TOKEN)
        hosts = self._notes.noted(organization, project, GITHOST)
        for item in everything:
            kind, _, rest = str(item["pk"]).partition("#")
            of_session = kind == "TOKEN" and rest in tokens
            of_delivery = kind == "DELIVERY" and rest.partition("#")[0] in hosts
            if of_session or of_delivery or _owned(item, organization, project):
                yield item

    def _in_repositories(self, organization: str, project: str) -> Iterator[Item]:
        known = self._notes.noted(organization, project, REPOSITORY)
        hosts = self._notes.noted(organization, project, GITHOST)
        for item in scan_items(self._tables["repositories"], "attribute_exists(pk)", {}, {}, _OWNERS):
            kind, _, rest = str(item["pk"]).partition("#")
            of_repository = kind != "ORG" and rest.partition("#")[0] in known
            looked_at = kind == "LOOKS" and item["sk"] in known
            of_host = kind == "EVENTS" and rest in hosts
            if of_repository or looked_at or of_host or _owned(item, organization, project):
                yield item

    def _listed(self, table: str, partition: str, prefix: str) -> Callable[[], Iterator[Item]]:
        return lambda: query_items(self._tables[table], partition, prefix)

    def _index(self, organization: str, project: str) -> Iterator[Item]:
        name = f"{organization}#{project}"
        return (item for item in query_items(self._tables["logs"], "INDEXES", name) if item["sk"] == name)


def _owned(item: Item, organization: str, project: str) -> bool:
    return (item.get("organization"), item.get("project")) == (organization, project)


def _projects(item: Item) -> list[str]:
    projects: list[str] = json.loads(str(item["projects"]))
    return projects
