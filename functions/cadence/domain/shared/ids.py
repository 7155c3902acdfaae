"""Identifiers and the keys of objects.

Everything that a run creates has a name derived from the run's id, so that a retry adopts it instead of duplicating it.
"""

import hashlib
import re

NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")


def treatment_id(run_id: str, treatment: str) -> str:
    """Returns `<run>-<12 hex>`, which is also the name of the treatment machine's execution (at most 80 characters)."""
    return f"{run_id}-{hashlib.sha256(treatment.encode()).hexdigest()[:12]}"


def run_execution(run_id: str, number: int) -> str:
    """Returns the name of an execution of the run machine: the run's id, followed by the number from the second on."""
    return run_id if number == 1 else f"{run_id}-{number}"


def runner_id(run_id: str, treatment: str, attempt: int) -> str:
    """Returns `<treatment id>-<attempt>`, which is also the name of what a provider creates for this attempt."""
    return f"{treatment_id(run_id, treatment)}-{attempt}"


def run_of_runner(runner_id: str) -> str:
    """Returns the run whose treatment a runner works on."""
    return runner_id.rsplit("-", 2)[0]


def in_bucket(bucket: str | None, key: str) -> str:
    """Returns the address of an object: `//bucket/key`, or the key alone in the installation's own bucket (None)."""
    return key if bucket is None else f"//{bucket}/{key}"


def bucket_and_key(address: str) -> tuple[str | None, str]:
    """Returns the bucket (None for the installation's own) and the key of an address from `in_bucket`."""
    if not address.startswith("//"):
        return None, address
    bucket, _, key = address[2:].partition("/")
    return bucket, key


def attempt_prefix(run_id: str, treatment: str, attempt: int, bucket: str | None = None) -> str:
    """Returns the prefix of the addresses of all values that one attempt sent."""
    return in_bucket(bucket, f"runs/{run_id}/values/{treatment}/{attempt}/")


def chunk_prefix(run_id: str, treatment: str, attempt: int, port: str, bucket: str | None = None) -> str:
    """Returns the prefix of the addresses of the chunks that one attempt sent through one output port."""
    return f"{attempt_prefix(run_id, treatment, attempt, bucket)}{port}/"


def chunk_key(run_id: str, treatment: str, attempt: int, port: str, seq: int, bucket: str | None = None) -> str:
    """Returns the address of one chunk; keys order by `seq`."""
    return f"{chunk_prefix(run_id, treatment, attempt, port, bucket)}{seq:012}"


def kept_port(port: str) -> str:
    """Returns the name under which an output of a failed attempt is kept apart from what feeds consumers.

    No port of a document begins with `~`.
    """
    return f"~{port}"


def document_key(sha256: str) -> str:
    """Returns the key, in the data bucket, of a pipeline document or a plan."""
    return f"documents/{sha256}"


def library_key(organization: str, project: str, sha256: str) -> str:
    """Returns the key of a file that a project read from a repository; `sha256` is that of what names the file."""
    return document_key(f"library/{organization}/{project}/{sha256}")


def source_prefix(organization: str, project: str, sha256: str) -> str:
    """Returns the prefix of the keys of the chunks of a commit's files, packed; `sha256` is that of the archive."""
    return f"sources/{organization}/{project}/{sha256}/"


def log_segment_key(run_id: str, number: int, sha256: str, bucket: str | None = None) -> str:
    """Returns the address of a log segment.

    Its digest keeps two writers of one number, of which only one can win, from overwriting each other's segment.
    """
    return in_bucket(bucket, f"runs/{run_id}/logs/{number:012}-{sha256[:12]}.lines")


def sent_lines_key(run_id: str, runner_id: str, sha256: str, bucket: str) -> str:
    """Returns the address of lines on their way into a log that is kept in the bucket of a pool."""
    return in_bucket(bucket, f"runs/{run_id}/sent-lines/{runner_id}-{sha256[:24]}")


def tests_key(run_id: str, treatment: str, attempt: int) -> str:
    """Returns the key, in the data bucket, of the tests that one attempt reported."""
    return f"runs/{run_id}/tests/{treatment}/{attempt}.json.gz"


def summary_key(run_id: str, treatment: str, attempt: int, bucket: str) -> str:
    """Returns the address of the summary that one attempt wrote, if its pool has a bucket of its own."""
    return in_bucket(bucket, f"runs/{run_id}/summaries/{treatment}/{attempt}.md")


def process_key(run_id: str, name: str) -> str:
    """Returns the key, in the data bucket, of a saved state of an engine's process."""
    return f"runs/{run_id}/melodium/{name}"


def cache_prefix(organization: str, project: str, entry: str, bucket: str | None = None) -> str:
    """Returns the prefix of the addresses of the chunks of one entry of a project's caches."""
    return in_bucket(bucket, f"caches/{organization}/{project}/{entry}/")


def cache_chunk_key(organization: str, project: str, entry: str, seq: int, bucket: str | None = None) -> str:
    """Returns the address of one chunk of an entry of a project's caches."""
    return f"{cache_prefix(organization, project, entry, bucket)}{seq:06}"


def split_key(organization: str, project: str, split_id: str, bucket: str | None = None) -> str:
    """Returns the address of a part of a project's search index, which is where the lines in it are kept."""
    return in_bucket(bucket, f"splits/{organization}/{project}/{split_id}")
