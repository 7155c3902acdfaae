"""Creates the default organization, project and pool, and the tokens of the stack, unless they exist."""

import json
import platform
from dataclasses import asdict, dataclass

from cadence.local.deployment.subprogram import output_of
from cadence.local.ministack.server import MiniStack
from cadence.local.shared.files import read_json, write_private_json
from cadence.local.shared.paths import StackPaths

_STACK = "cadence-main"
_POOL = "local"


@dataclass(frozen=True)
class StackCredentials:
    """The token of an administrator, and the token with which a host joins the pool `local`."""

    api_token: str
    join_token: str


async def seed(ministack: MiniStack, paths: StackPaths) -> StackCredentials:
    """Seeds the installation as after a deployment to AWS; valid tokens are kept, since users have copied them."""
    environment = {**ministack.client_environment(), "AWS_ENDPOINT_URL": ministack.endpoint}
    kept = read_json(paths.tokens) or {}
    known = {"admin_token": kept.get("api_token"), "join_token": kept.get("join_token")}
    output = await output_of(
        "The default organization, project and pool could not be created",
        *("-m", "cadence.setup", "--stack", _STACK, "--pool", _POOL, "--own-machine"),
        *("--architecture", _architecture(), "--known-tokens", "--json"),
        environment=environment,
        given=json.dumps(known),
    )
    seeded = json.loads(output)
    credentials = StackCredentials(seeded["admin_token"], seeded["join_token"])
    write_private_json(paths.tokens, asdict(credentials))
    return credentials


def _architecture() -> str:
    return {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "amd64")
