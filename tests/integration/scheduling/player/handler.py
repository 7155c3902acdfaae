"""A Lambda that plays any part of the state machines: it does what the script of its run says, one line a call.

`$SCRIPTS/<run>.json` maps a part to its lines; the last line repeats. Calls are noted in `$SCRIPTS/<run>.<part>.calls`.
"""

import json
import os
from pathlib import Path
from typing import Any

import boto3

FOLDER = Path(os.environ["SCRIPTS"])


def handler(event: dict[str, Any], context: object) -> Any:
    part = event.get("operation", os.environ["PART"])
    calls = FOLDER / f"{event['run_id']}.{part}.calls"
    number = len(calls.read_text().splitlines()) if calls.exists() else 0
    with calls.open("a") as file:
        file.write(json.dumps(event) + "\n")
    print(part, number)
    lines = json.loads((FOLDER / f"{event['run_id']}.json").read_text())[part]
    return play(lines[min(number, len(lines) - 1)], event.get("task_token"))


def play(line: Any, token: Any) -> Any:
    match line:
        case {"then": later, **first}:
            play(first, token)
            return play(later, token)
        case {"raise": name}:
            raise type(name, (Exception,), {})(f"{name} was injected")
        case {"fail": name}:
            cause = line.get("cause", f"{name} was injected")
            states().send_task_failure(taskToken=token, error=name, cause=cause)
        case {"succeed": output}:
            states().send_task_success(taskToken=token, output=json.dumps(output))
        case {"return": output}:
            return output
        case {"exit": status}:
            os._exit(status)
    return {}


def states() -> Any:
    sdk: Any = boto3
    return sdk.client("stepfunctions", endpoint_url=os.environ["STATES_ENDPOINT"])
