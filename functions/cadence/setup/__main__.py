"""``python -m cadence.setup``: seeds a new installation, and prints its address and first tokens.

It uses the current AWS credentials instead of the API, which refuses every request before a token exists. The outputs
of
the main stack name the table.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import botocore.session
from botocore.exceptions import BotoCoreError, ClientError

from cadence.application.access.seed import Seed, Seeded
from cadence.domain.placement.pool import Pool

_OUTPUTS = ("ApiUrl", "AccessTable")


def main(words: Sequence[str] | None = None) -> int:
    """Seeds the installation that the arguments name; returns the exit status."""
    arguments = _parser().parse_args(words)
    known = Seeded(**json.load(sys.stdin)) if arguments.known_tokens else None
    try:
        outputs = _outputs(arguments.stack)
        pool = Pool(
            organization="default",
            name=arguments.pool,
            provider="host",
            architectures=tuple(arguments.architecture or ("amd64",)),
            settings={"require_sandbox": False} if arguments.own_machine else {},
        )
        seeded = _seed(outputs["AccessTable"], pool, known, replace=arguments.new_token or arguments.known_tokens)
    except (BotoCoreError, ClientError, LookupError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    url = outputs["ApiUrl"].rstrip("/")
    print(json.dumps({"url": url, **asdict(seeded)}) if arguments.json else _words(url, pool.name, seeded))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m cadence.setup", description=__doc__)
    parser.add_argument("--stack", default="cadence-main", help="name of the main CloudFormation stack")
    parser.add_argument("--pool", default="default", help="the host pool to create if it does not exist")
    parser.add_argument(
        "--architecture", action="append", help="an architecture of the hosts of the pool; may be repeated"
    )
    parser.add_argument(
        "--own-machine",
        action="store_true",
        help="the hosts of the pool are the user's own: require no sandbox of them",
    )
    parser.add_argument("--new-token", action="store_true", help="replace both tokens even if they are valid")
    parser.add_argument("--known-tokens", action="store_true", help="read tokens to keep as JSON from standard input")
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")
    return parser


def _outputs(stack: str) -> dict[str, str]:
    """The outputs of the stack. Raises LookupError if it is not a main stack of Cadence."""
    cloudformation: Any = _session().create_client("cloudformation")
    described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}
    missing = [name for name in _OUTPUTS if name not in outputs]
    if missing:
        raise LookupError(f"stack {stack} has no output {', '.join(missing)}. Deploy this version first.")
    return outputs


def _seed(table: str, pool: Pool, known: Seeded | None, *, replace: bool) -> Seeded:
    # The adapters read the region from the environment, as in a Lambda; here the region of the profile is used too.
    region = _session().get_config_variable("region")
    if region:
        os.environ.setdefault("AWS_REGION", region)
    from cadence.adapters.dynamodb.access.access_store import DynamoAccessStore

    store = DynamoAccessStore(table)
    return Seed(store, store, lambda: datetime.now(UTC)).seed(pool, known, replace=replace)


def _session() -> Any:
    return botocore.session.get_session()


def _words(url: str, pool: str, seeded: Seeded) -> str:
    lines = [f"Cadence is available at {url}", "", f"export CADENCE_URL={url}"]
    if seeded.admin_token:
        lines += [
            f"export CADENCE_TOKEN={seeded.admin_token}",
            "",
            "This is the token of an administrator. Store it now: it cannot be printed again.",
        ]
    else:
        lines += ["", "The token of the administrator was issued before and is still valid. --new-token replaces it."]
    if seeded.join_token:
        lines += [
            "",
            f"Hosts join the pool {pool!r} with this command, whose token cannot be printed again either:",
            f"  CADENCE_JOIN_TOKEN={seeded.join_token} python3 dist/cadence-agent.pyz host --gateway {url} --pool {pool}",
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
