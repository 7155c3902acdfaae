"""The MiniStack server: its command, its environment and its clients."""

import os
import sys
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import boto3
import requests
from botocore.config import Config

from cadence.local.shared.account_key import AccountKey
from cadence.local.shared.paths import StackPaths
from cadence.local.shared.ports import LOOPBACK
from cadence.local.shared.region import REGION

COMMAND = (sys.executable, "-m", "cadence.local.ministack")


@dataclass(frozen=True)
class MiniStack:
    """The address of one MiniStack, and the key of its account's root."""

    port: int
    key: AccountKey

    @property
    def endpoint(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def is_ready(self) -> bool:
        try:
            return requests.get(f"{self.endpoint}/_ministack/ready", timeout=2).ok
        except requests.RequestException:
            return False

    def client_environment(self) -> dict[str, str]:
        """The environment in which AWS clients reach this MiniStack only."""
        return {
            "AWS_ACCESS_KEY_ID": self.key.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.key.secret_access_key,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def server_environment(self, paths: StackPaths, *, enforce_iam: bool) -> dict[str, str]:
        """The environment of the server: it listens on loopback only and keeps its files in the folder of the stack."""
        return self.client_environment() | {
            "BIND_HOST": LOOPBACK,
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_REGION": REGION,
            "PERSIST_STATE": "1",
            "STATE_DIR": str(paths.state),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(paths.objects),
            "TMPDIR": str(paths.temporary),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "LOG_LEVEL": "WARNING",
            "LAMBDA_ACCOUNT_CONCURRENCY": "1000",  # AWS's default; `lambda_concurrency` bounds how many of them run
            "AUTH": "true" if enforce_iam else "false",
            "DOCKER_HOST": f"unix://{paths.temporary}/no-docker",  # Lambdas run as processes, without a container daemon
        }

    def client(self, service: str) -> Any:
        """A boto3 client of this MiniStack with the permissions of the root of the account."""
        sdk: Any = boto3
        return sdk.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=self.key.access_key_id,
            aws_secret_access_key=self.key.secret_access_key,
            config=Config(retries={"total_max_attempts": 2}, s3={"addressing_style": "path"}),
        )

    def local_address(self, api_url: str) -> str:
        """The address at which this MiniStack serves the API that CloudFormation calls `api_url`."""
        address = urlsplit(api_url)
        api_id = address.netloc.partition(".")[0]
        return f"{self.endpoint}/_aws/execute-api/{api_id}/{address.path.strip('/') or '$default'}"
