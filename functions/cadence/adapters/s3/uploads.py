"""`Uploads`: forms and URLs signed for engines, without a network call.

Uploads lie under `uploads/` until they are processed.
"""

import datetime
from urllib.parse import quote

from botocore.auth import S3SigV4PostAuth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from cadence.adapters.aws.clients import REGION
from cadence.adapters.s3.presigned import bucket_url, credentials
from cadence.application.melodium.ports import FormUpload, PutUpload, Uploads
from cadence.application.runs.ports import EngineStream

LIFETIME = 7 * 24 * 3600
"""Seconds; S3 takes no signature that is older."""
LARGEST = 5 * 1024**3
"""Bytes; S3 takes no more in one piece, and a chunk that is refused is lost."""
PREFIX = "uploads/"


def program_key(run_id: str) -> str:
    return f"{PREFIX}{run_id}/program.json"


def chunks_path(run_id: str, stream: EngineStream) -> str:
    return f"{PREFIX}{run_id}/{stream}"


class S3Uploads(Uploads):
    """Signs forms and URLs.

    With `key`, a signature is valid for its whole lifetime; without one, no longer than the Lambda's own credentials.
    """

    def __init__(self, bucket: str, key: ReadOnlyCredentials | None = None, region: str | None = None) -> None:
        self._bucket = bucket
        self._key = key
        self._region = region or REGION or "us-east-1"
        self._url = bucket_url(bucket, self._region)

    def chunks(self, run_id: str, stream: EngineStream) -> FormUpload:
        path = chunks_path(run_id, stream)
        request = AWSRequest("POST", self._url)
        ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=LIFETIME)
        fields: dict[str, str] = {}
        request.context["s3-presign-post-fields"] = fields
        request.context["s3-presign-post-policy"] = {
            "expiration": f"{ends:%Y-%m-%dT%H:%M:%SZ}",
            "conditions": [
                {"bucket": self._bucket},
                ["starts-with", "$key", f"{path}/"],
                ["content-length-range", 0, LARGEST],
            ],
        }
        S3SigV4PostAuth(self._credentials(), "s3", self._region).add_auth(request)
        return FormUpload(self._url.rstrip("/"), fields, path)

    def program(self, run_id: str) -> PutUpload:
        request = AWSRequest("PUT", self._url + quote(program_key(run_id), safe="/~"))
        S3SigV4QueryAuth(self._credentials(), "s3", self._region, LIFETIME).add_auth(request)
        return PutUpload(str(request.url))

    def _credentials(self) -> ReadOnlyCredentials:
        return self._key or credentials()


def upload_key(key_id: str, secret: str) -> ReadOnlyCredentials | None:
    """Returns the key of the user that may do nothing but upload for engines; None where there is none."""
    return ReadOnlyCredentials(key_id, secret, None) if key_id else None
