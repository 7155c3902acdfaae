"""Uses the package that openapi-python-client made of the API's document: every list, and a run with its treatment.

It runs in the environment of the generator, and prints what it was answered as JSON.
"""

import importlib
import inspect
import json
import pkgutil
import sys
from typing import Any

url, token, run_id = sys.argv[1:]
package: Any = importlib.import_module("cadence_client")
client = package.AuthenticatedClient(base_url=url, token=token)


def operation(name: str) -> Any:
    return importlib.import_module(f"cadence_client.api.{name}")


def lists() -> dict[str, str]:
    """The type of each answer to a GET that needs no argument, by operation; `NoneType` where it was not understood."""
    found = {}
    for module in pkgutil.walk_packages(importlib.import_module("cadence_client.api").__path__, "cadence_client.api."):
        called: Any = importlib.import_module(module.name)
        if module.ispkg:
            continue
        parameters = inspect.signature(called.sync_detailed).parameters.values()
        needed = [one.name for one in parameters if one.default is one.empty]
        if needed == ["client"] and called._get_kwargs()["method"] == "get":
            answered = called.sync_detailed(client=client)
            if answered.status_code == 200:
                found[module.name.rpartition(".")[2]] = type(answered.parsed).__name__
    return found


run = operation("runs.show_run").sync(run_id, client=client)
treatment = operation("treatments.show_treatment").sync(run_id, "greet", client=client)
refused = operation("runs.show_run").sync("0" * 26, client=client)
print(
    json.dumps(
        {
            "lists": lists(),
            "states": [str(one.state) for one in run.treatments],
            "outputs": [one.port for one in treatment.outputs],
            "pools": [one.name for one in operation("pools.list_pools").sync(client=client).items],
            "refused": refused.status,
        }
    )
)
