"""The route that answers the OpenAPI document of all routes, itself included."""

import json
from collections.abc import Sequence

from api.endpoint import PUBLIC, Call, Endpoints, Reply
from api.routes.service import AnyObject
from cadence.composition.api import Services


def describe(groups: Sequence[Endpoints]) -> Endpoints:
    """Returns the route that describes ``groups`` and itself."""
    endpoints = Endpoints("service")

    @endpoints.add("GET", "/v1/openapi.json", PUBLIC, answers={200: AnyObject})
    def show_openapi(call: Call, services: Services) -> Reply:
        """Shows this description."""
        from api.openapi import document  # needed by this route only, and slow to import

        return Reply(json.dumps(document((*groups, endpoints))))

    return endpoints
