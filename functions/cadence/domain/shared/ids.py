"""Identifiers. All that a run creates has a name derived from the run's id, so that a retry adopts instead of duplicating."""

import hashlib
import re

NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")


def treatment_id(run_id: str, treatment: str) -> str:
    """`<run>-<12 hex>`: also the name of the treatment machine's execution (at most 80 characters there)."""
    return f"{run_id}-{hashlib.sha256(treatment.encode()).hexdigest()[:12]}"


def run_execution(run_id: str, number: int) -> str:
    """Name of an execution of the run machine: the run's id, and from the second on a number behind it."""
    return run_id if number == 1 else f"{run_id}-{number}"


def runner_id(run_id: str, treatment: str, attempt: int) -> str:
    """`<treatment id>-<attempt>`: also the name of whatever a provider creates for this attempt."""
    return f"{treatment_id(run_id, treatment)}-{attempt}"


def in_bucket(bucket: str | None, key: str) -> str:
    """The address of what has that key: `//bucket/key`, or the key alone in the installation's own bucket (None)."""
    return key if bucket is None else f"//{bucket}/{key}"


def bucket_and_key(address: str) -> tuple[str | None, str]:
    if not address.startswith("//"):
        return None, address
    bucket, _, key = address[2:].partition("/")
    return bucket, key


def attempt_prefix(run_id: str, treatment: str, attempt: int, bucket: str | None = None) -> str:
    """Of the addresses of all that one attempt sent."""
    return in_bucket(bucket, f"runs/{run_id}/values/{treatment}/{attempt}/")


def chunk_prefix(run_id: str, treatment: str, attempt: int, port: str, bucket: str | None = None) -> str:
    """Of the addresses of the chunks that one attempt sent through one output port."""
    return f"{attempt_prefix(run_id, treatment, attempt, bucket)}{port}/"


def chunk_key(run_id: str, treatment: str, attempt: int, port: str, seq: int, bucket: str | None = None) -> str:
    return f"{chunk_prefix(run_id, treatment, attempt, port, bucket)}{seq:012}"


def document_key(sha256: str) -> str:
    return f"documents/{sha256}"


def log_segment_key(run_id: str, number: int, sha256: str) -> str:
    """The digest keeps two writers of one number, of which only one can win, from overwriting each other's segment."""
    return f"runs/{run_id}/logs/{number:012}-{sha256[:12]}.jsonl.gz"


def process_key(run_id: str, name: str) -> str:
    """Key, in the data bucket, of a state of what an engine reported of a process."""
    return f"runs/{run_id}/melodium/{name}"


def cache_prefix(organization: str, project: str, entry: str, bucket: str | None = None) -> str:
    """Of the addresses of the chunks of one entry of a project's caches."""
    return in_bucket(bucket, f"caches/{organization}/{project}/{entry}/")


def cache_chunk_key(organization: str, project: str, entry: str, seq: int, bucket: str | None = None) -> str:
    return f"{cache_prefix(organization, project, entry, bucket)}{seq:06}"


def split_key(organization: str, project: str, split_id: str) -> str:
    """Key, in the data bucket, of a part of a project's search index."""
    return f"splits/{organization}/{project}/{split_id}"
