"""The bootstrap data that makes a machine or container a runner: rendered from typed values, quoted by libraries.

The programs are in `runner_bootstrap/machine`: `boot.sh` finds a Python and starts `boot.py`. Machines get them with
cloud-init (`user_data`), container images contain them and get variables (`variables`).
"""

import base64
import gzip
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from math import ceil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cadence.providers.contract import AgentFile, CallHome, RunnerRequest

FOLDER = "/var/lib/cadence"
# Minutes beyond a runner's longest time, after which the machine switches itself off in any case.
_SPARE_MINUTES = 10
# A machine that is made in advance has booted by then.
_WARM_MINUTES = 15


@dataclass(frozen=True, kw_only=True)
class BootOptions:
    """The options `boot` of a pool's settings. `mirrors` are base URLs tried first for each file, by the file's name.

    `certificates` are authorities (PEM) to be trusted as well. `console` is the device that output goes to. `notices`
    is the cloud whose metadata service announces that a machine will be taken away, as the agent's `notices` names it.
    """

    mirrors: tuple[str, ...] = ()
    proxy: str | None = field(default=None, repr=False)  # may hold a password
    no_proxy: tuple[str, ...] = ()
    certificates: str | None = None
    console: str | None = "/dev/console"
    notices: str | None = None

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "BootOptions":
        return cls(
            mirrors=tuple(data.get("mirrors", ())),
            proxy=data.get("proxy"),
            no_proxy=tuple(data.get("no_proxy", ())),
            certificates=data.get("certificates"),
            console=data.get("console", "/dev/console"),
            notices=data.get("notices"),
        )


def user_data(home: CallHome, request: RunnerRequest, options: BootOptions | None = None) -> str:
    """Returns cloud-init's document for the machine of one runner. The same values give the same text."""
    settings = {
        **_common(home, options or BootOptions()),
        "CADENCE_RUNNER_ID": request.runner_id,
        "CADENCE_MINUTES": str(ceil((request.boot_deadline + request.max_duration) / 60) + _SPARE_MINUTES),
    }
    return _cloud_config(settings, token=home.one_time_token)


def warm_user_data(options: BootOptions) -> str:
    """Returns cloud-init's document for a machine that is made in advance.

    It boots once, switches itself off, and at its next boot asks its cloud for its identity.
    """
    settings = {"CADENCE_WARM": "1", "CADENCE_POWER_OFF": "1", "CADENCE_MINUTES": str(_WARM_MINUTES)}
    if options.console:
        settings["CADENCE_CONSOLE"] = options.console
    return _cloud_config(settings, token=None)


def variables(home: CallHome, request: RunnerRequest, options: BootOptions | None = None) -> Mapping[str, str]:
    """Returns the environment of a container made from `runner_bootstrap/Containerfile`, without the token.

    The token is `CADENCE_RUNNER_TOKEN` and belongs in the infrastructure's secret store, if it has one.
    """
    common = _common(home, options or BootOptions(console=None))
    unwanted = {"CADENCE_POWER_OFF", "CADENCE_CONSOLE"}
    return {
        **{name: value for name, value in common.items() if name not in unwanted},
        "CADENCE_RUNNER_ID": request.runner_id,
    }


def sources(file: AgentFile, mirrors: Sequence[str]) -> tuple[str, ...]:
    """Returns the URLs of the file, mirrors first.

    The digest is checked, so no source has to be trusted.
    """
    name = urlsplit(file.url).path.rsplit("/", 1)[-1]
    return (*(f"{mirror.rstrip('/')}/{name}" for mirror in mirrors), file.url)


def _common(home: CallHome, options: BootOptions) -> dict[str, str]:
    settings = {"CADENCE_GATEWAY": home.gateway_url, "CADENCE_POWER_OFF": "1"}
    for program, file in (("AGENT", home.agent), ("ENGINE", home.engine)):
        if file is not None:
            settings[f"CADENCE_{program}_URLS"] = " ".join(sources(file, options.mirrors))
            settings[f"CADENCE_{program}_SHA256"] = file.sha256
    if options.proxy:
        settings |= dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), options.proxy)
        bypassed = ",".join(("localhost", "127.0.0.1", "169.254.169.254", *options.no_proxy))
        settings |= {"no_proxy": bypassed, "NO_PROXY": bypassed}
    if options.certificates:
        settings["CADENCE_CA_CERTIFICATES"] = options.certificates
    if options.notices:
        settings["CADENCE_NOTICES"] = options.notices
    if options.console:
        settings["CADENCE_CONSOLE"] = options.console
    return settings


def _cloud_config(settings: Mapping[str, str], token: str | None) -> str:
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in sorted(settings.items()))
    files = [
        *({**_file(f"{FOLDER}/{name}", _compressed(name)), "encoding": "gz+b64"} for name in ("boot.sh", "boot.py")),
        _file(f"{FOLDER}/settings", exports),
        *([] if token is None else [_file(f"{FOLDER}/token", token)]),
        # Scripts in this folder run at each boot: also when a machine that was stopped is started again.
        {
            **_file("/var/lib/cloud/scripts/per-boot/cadence", f"#!/bin/sh\nexec sh {FOLDER}/boot.sh {FOLDER}\n"),
            "permissions": "0700",
        },
    ]
    # JSON is YAML, and needs no library that a Lambda would have to carry.
    return "#cloud-config\n" + json.dumps({"write_files": files}, ensure_ascii=False, separators=(",", ":")) + "\n"


def _file(path: str, content: str) -> Mapping[str, str]:
    return {"path": path, "content": content, "permissions": "0600", "owner": "root:root"}


@cache
def _compressed(name: str) -> str:
    program = (machine_folder() / name).read_bytes()
    return base64.b64encode(gzip.compress(program, mtime=0)).decode()


@cache
def machine_folder() -> Path:
    """Returns the folder of the programs.

    It is beside `cadence` in a Lambda's archive, beside `functions` in the repository.
    """
    for folder in Path(__file__).resolve().parents:
        if (folder / "runner_bootstrap" / "machine" / "boot.sh").is_file():
            return folder / "runner_bootstrap" / "machine"
    raise FileNotFoundError(f"There is no folder `runner_bootstrap/machine` above {__file__}.")
