"""Signs URLs for others to use, without a network call and without a service client (creating one takes 0.3 s)."""

import os
import re
from collections.abc import Mapping
from functools import cache
from urllib.parse import quote, urlsplit

import botocore.session
from botocore.auth import S3SigV4QueryAuth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from cadence.adapters.aws.clients import REGION
from cadence.adapters.s3.buckets import Buckets
from cadence.application.shared.value_ports import LENGTH_HEADER, DataUrls, upload_headers
from cadence.domain.shared import ids

# Seconds. A URL made with a Lambda's credentials also ends with them, which is hours away.
LIFETIME = 7200


class S3DataUrls(DataUrls):
    """Returns URLs at a bucket's own host in AWS, below the endpoint's path on the local stack."""

    def __init__(self, buckets: Buckets, region: str | None = None) -> None:
        self._region = region or REGION or "us-east-1"
        self._buckets = buckets
        self._bases: dict[str | None, tuple[str, str]] = {}

    def upload(self, key: str, length: int, sha256: str) -> str:
        return self._signed("PUT", key, {**upload_headers(sha256), LENGTH_HEADER: str(length)})

    def download(self, key: str) -> str:
        return self._signed("GET", key, {})

    def _signed(self, method: str, address: str, headers: Mapping[str, str]) -> str:
        bucket, key = ids.bucket_and_key(address)
        base, region = self._base(bucket)
        request = AWSRequest(method, base + quote(key, safe="/~"), headers=dict(headers))
        S3SigV4QueryAuth(credentials(), "s3", region, LIFETIME).add_auth(request)
        return str(request.url)

    def _base(self, bucket: str | None) -> tuple[str, str]:
        if bucket not in self._bases:
            name, region = self._buckets.name_of(bucket)
            region = region or self._region
            self._bases[bucket] = bucket_url(name, region), region
        return self._bases[bucket]


def bucket_url(bucket: str, region: str) -> str:
    """Returns the URL of the bucket's root, with a slash at its end."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if endpoint:
        return f"{endpoint.rstrip('/')}/{bucket}/"
    return f"https://{bucket}.s3.{region}.{_dns_suffix(region)}/"


def signed_queue_url(queue_url: str, parameters: str, lifetime: int) -> str:
    """Returns a GET of the queue's query API, signed, which its holder can send."""
    region = REGION or "us-east-1"
    request = AWSRequest("GET", f"{queue_url}?{parameters}", headers={"Host": urlsplit(queue_url).netloc})
    SigV4QueryAuth(credentials(), "sqs", region, lifetime).add_auth(request)
    return str(request.url)


def credentials() -> ReadOnlyCredentials:
    resolved = _session().get_credentials()
    if resolved is None:
        raise RuntimeError("There are no AWS credentials to sign URLs with.")
    return resolved.get_frozen_credentials()


def _dns_suffix(region: str) -> str:
    """Returns `amazonaws.com`, or the suffix of another partition, such as China."""
    for partition in _session().get_data("partitions")["partitions"]:
        if region in partition["regions"] or re.fullmatch(partition["regionRegex"], region):
            return str(partition["outputs"]["dnsSuffix"])
    raise ValueError(f"There is no AWS region {region}.")


@cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()
