"""``python -m cadence.setup``: makes sure of what a new installation starts with, and says its address and first tokens.

It acts with the AWS credentials in use, not through the API, which lets nobody in before there is a token. The table is
found by the outputs of the main stack.
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
    given = _parser().parse_args(words)
    known = Seeded(**json.load(sys.stdin)) if given.known_tokens else None
    try:
        outputs = _outputs(given.stack)
        pool = Pool(
            organization="default",
            name=given.pool,
            provider="host",
            architectures=tuple(given.architecture or ("amd64",)),
        )
        seeded = _seed(outputs["AccessTable"], pool, known, replace=given.new_token or given.known_tokens)
    except (BotoCoreError, ClientError, LookupError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    url = outputs["ApiUrl"].rstrip("/")
    print(json.dumps({"url": url, **asdict(seeded)}) if given.json else _words(url, pool.name, seeded))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m cadence.setup", description=__doc__)
    parser.add_argument("--stack", default="cadence-main", help="name of the main CloudFormation stack")
    parser.add_argument("--pool", default="default", help="the host pool that is made if there is none of this name")
    parser.add_argument("--architecture", action="append", help="of the pool's hosts; may be repeated")
    parser.add_argument("--new-token", action="store_true", help="replace both tokens, working or not")
    parser.add_argument("--known-tokens", action="store_true", help="read tokens to keep as JSON from standard input")
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    return parser


def _outputs(stack: str) -> dict[str, str]:
    """Raises LookupError if it is no main stack of Cadence."""
    cloudformation: Any = _session().create_client("cloudformation")
    described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}
    missing = [name for name in _OUTPUTS if name not in outputs]
    if missing:
        raise LookupError(f"stack {stack} has no output {', '.join(missing)}: deploy this version first")
    return outputs


def _seed(table: str, pool: Pool, known: Seeded | None, *, replace: bool) -> Seeded:
    # The adapters read the region from the environment, as a Lambda has it; a profile's region counts here too.
    region = _session().get_config_variable("region")
    if region:
        os.environ.setdefault("AWS_REGION", region)
    from cadence.adapters.dynamodb.access.access_store import DynamoAccessStore

    store = DynamoAccessStore(table)
    return Seed(store, store, lambda: datetime.now(UTC)).seed(pool, known, replace=replace)


def _session() -> Any:
    return botocore.session.get_session()


def _words(url: str, pool: str, seeded: Seeded) -> str:
    lines = [f"Cadence serves at {url}", "", f"export CADENCE_URL={url}"]
    if seeded.admin_token:
        lines += [
            f"export CADENCE_TOKEN={seeded.admin_token}",
            "",
            "The token is an administrator's. It is shown this once: keep it.",
        ]
    else:
        lines += ["", "An administrator's token was issued before and still works; --new-token replaces it."]
    if seeded.join_token:
        lines += [
            "",
            f"Machines join the pool {pool!r} with a token of their own, shown this once too:",
            f"  CADENCE_JOIN_TOKEN={seeded.join_token} python3 dist/cadence-agent.pyz host --gateway {url} --pool {pool}",
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
