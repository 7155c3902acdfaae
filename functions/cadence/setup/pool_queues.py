"""``python -m cadence.setup.pool_queues``: removes the queues that pools of hosts made, which no stack knows.

They wake hosts that wait for work, are made when a pool is first used, and hold nothing that is worth keeping.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

import botocore.session
from botocore.exceptions import BotoCoreError, ClientError


def main(words: Sequence[str] | None = None) -> int:
    """Removes them, after the stacks; returns the exit status. Safe to repeat."""
    parser = argparse.ArgumentParser(prog="python -m cadence.setup.pool_queues", description=__doc__)
    parser.add_argument("--stack", default="cadence-main", help="name of the main CloudFormation stack")
    stack = parser.parse_args(words).stack
    sqs: Any = botocore.session.get_session().create_client("sqs")
    try:
        pages = sqs.get_paginator("list_queues").paginate(QueueNamePrefix=f"{stack}-work-notification-")
        urls = [url for page in pages for url in page.get("QueueUrls", ())]
        for url in urls:
            sqs.delete_queue(QueueUrl=url)
    except (BotoCoreError, ClientError) as error:
        print(f"error: queues of pools of {stack} may be left: {error}", file=sys.stderr)
        return 1
    print(f"Removed {len(urls)} {'queue' if len(urls) == 1 else 'queues'} of pools of hosts.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
