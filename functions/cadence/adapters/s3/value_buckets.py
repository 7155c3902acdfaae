"""`ValueBuckets`: checks the buckets in which pools may keep their values."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cadence.adapters.s3.buckets import Buckets
from cadence.application.placement.ports import CheckResult
from cadence.domain.shared import ids
from cadence.domain.values.cache import LONGEST

_TRIED = b"whether values can be kept here"


class S3ValueBuckets:
    def __init__(self, buckets: Buckets, retention: timedelta) -> None:
        self._buckets = buckets
        self._kept = {"runs/": retention.days, "caches/": LONGEST.days + 1, "splits/": retention.days + 1}

    @property
    def regions(self) -> Mapping[str, str]:
        return self._buckets.others

    def probe(self, bucket: str, organization: str, pool: str) -> Sequence[CheckResult]:
        s3, name, key = self._buckets.find(ids.in_bucket(bucket, f"probe/{organization}/{pool}"))
        existence = _attempted(lambda: self._is_there(s3, name))
        if existence:
            hint = "make the bucket in that region, and let its policy allow this installation's roles"
            return [CheckResult(f"bucket {bucket}", existence, hint)]
        written = _attempted(lambda: _write_and_remove(s3, name, key))
        hint = "its policy, or the policy of the key that encrypts it, has to allow this installation's roles"
        return [
            CheckResult(f"bucket {bucket}"),
            CheckResult(f"objects in bucket {bucket}", written, hint),
            *(self._ages(s3, name)),
        ]

    def _is_there(self, s3: Any, bucket: str) -> str | None:
        answer = s3.list_objects_v2(Bucket=bucket, MaxKeys=1)
        region = answer["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region")
        expected = self._buckets.region_of(bucket)
        return None if region in {None, expected} else f"it is in {region}, not in {expected}"

    def _ages(self, s3: Any, bucket: str) -> Iterable[CheckResult]:
        try:
            rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchLifecycleConfiguration":
                yield CheckResult(f"lifecycle of bucket {bucket}", _error_text(error), None)
                return
            rules = []
        for prefix, days in self._kept.items():
            missing = None if any(_removes(rule, prefix, days) for rule in rules) else "nothing removes it"
            yield CheckResult(
                f"what is below {prefix} in bucket {bucket} goes after {days} days",
                missing,
                f"a lifecycle rule of the bucket: prefix {prefix}, expiration after at most {days} days",
            )


def _write_and_remove(s3: Any, bucket: str, key: str) -> str | None:
    s3.put_object(Bucket=bucket, Key=key, Body=_TRIED)
    read = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    s3.delete_object(Bucket=bucket, Key=key)
    return None if read == _TRIED else "what was read is not what had been written"


def _attempted(look: Callable[[], str | None]) -> str | None:
    try:
        return look()
    except (ClientError, BotoCoreError) as error:
        return _error_text(error)


def _error_text(error: Exception) -> str:
    if isinstance(error, ClientError):
        answer = error.response["Error"]
        return f"{answer.get('Code')}: {answer.get('Message')}"
    return str(error)


def _removes(rule: Mapping[str, Any], prefix: str, days: int) -> bool:
    """Returns whether a rule removes a whole prefix: one that is narrower (by tags or sizes) removes only a part."""
    only = rule.get("Filter", {})
    rule_prefix = only.get("Prefix", rule.get("Prefix", "" if not only else None))
    expires = rule.get("Expiration", {}).get("Days")
    return (
        rule["Status"] == "Enabled"
        and rule_prefix is not None
        and prefix.startswith(rule_prefix)
        and bool(expires and expires <= days)
    )
