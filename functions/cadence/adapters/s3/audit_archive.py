"""`AuditArchive` in a bucket with Object Lock: what is written there no one can delete before its time."""

import gzip
from collections.abc import Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cadence.adapters.aws.clients import may_succeed_later
from cadence.adapters.dynamodb.access.audit_chain import to_json_lines
from cadence.domain.access.audit_chain import ChainRecord
from cadence.domain.shared.errors import Transient


class S3AuditArchive:
    """One object for each seal: `{organization}/{first}-{last}.jsonl.gz`. The bucket sets how long it is kept."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def keep(self, organization: str, records: Sequence[ChainRecord]) -> None:
        first, last = records[0]["sequence"], records[-1]["sequence"]
        try:
            self._client.put_object(
                Bucket=self._bucket,
                Key=f"{organization}/{first:016}-{last:016}.jsonl.gz",
                Body=gzip.compress(to_json_lines(records), 6, mtime=0),
                ContentType="application/jsonl",
                ContentEncoding="gzip",
                # A bucket with Object Lock takes nothing without a checksum.
                ChecksumAlgorithm="SHA256",
            )
        except (BotoCoreError, ClientError) as error:
            if may_succeed_later(error):
                raise Transient(f"The bucket {self._bucket} of the audit log cannot be reached or is busy.") from error
            raise


class NoAuditArchive:
    """Implements `AuditArchive` for installations without such a bucket."""

    def keep(self, organization: str, records: Sequence[ChainRecord]) -> None:
        """Keeps nothing: the chain in the table is all there is."""
