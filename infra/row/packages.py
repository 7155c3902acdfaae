"""Packages of ``requirements.lock`` that Lambdas need, by what they are needed for."""

BASE = ("botocore", "pynamodb", "python-ulid")
# A Lambda that makes a treatment ready evaluates its condition, to decide whether it runs.
CONDITIONS = ("common-expression-language", "jsonschema-rs", "pyyaml")
DOCUMENTS = (*CONDITIONS, "cronsim", "tzdata")
# The schema validator's engine evaluates regular expressions in linear time.
SEARCH = ("cramjam", "jsonschema-rs", "opensearch-py", "pydantic-core", "tantivy")
EXPORTS = ("cramjam", "opentelemetry-proto")
