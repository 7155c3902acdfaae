"""An internal error can be found by the log, and the log never holds what the error quotes."""

import json
import logging

import pytest
from botocore.exceptions import ClientError
from pynamodb.exceptions import PutError

from cadence.adapters.http.problem import Response, answering_problems
from cadence.adapters.lambda_runtime.fault_report import report
from cadence.adapters.lambda_runtime.machine_boundary import machine_task
from cadence.adapters.lambda_runtime.service_log import JsonLine

DENIED = ClientError(
    {"Error": {"Code": "AccessDeniedException", "Message": "not authorized to perform: dynamodb:PutItem"}}, "PutItem"
)


def fail_on_a_secret() -> None:
    text = "hunter2"
    int(text)


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [json.loads(JsonLine().format(record)) for record in caplog.records]


def test_a_refusal_of_aws_is_logged_with_operation_and_code_by_an_http_lambda(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("cadence.test")

    @answering_problems(logger, lambda _: "claim")
    def handler(event: dict[str, object], context: object) -> Response:
        try:
            raise DENIED
        except ClientError as error:
            raise PutError("Failed to put item", cause=error) from error

    answer = handler({}, None)
    line = lines(caplog)[0]
    assert (answer["statusCode"], line["problem_id"]) == (500, json.loads(answer["body"])["id"])
    assert (line["aws_operation"], line["aws_code"]) == ("PutItem", "AccessDeniedException")
    assert line["words"] == "not authorized to perform: dynamodb:PutItem"
    assert "not authorized" not in answer["body"]


def test_what_an_error_quotes_is_logged_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    handler = machine_task("settle", lambda _: fail_on_a_secret())
    with caplog.at_level(logging.INFO), pytest.raises(Exception, match="internal error") as raised:
        handler({"run_id": "01a"}, None)
    written = json.dumps(lines(caplog))
    assert "fail_on_a_secret" in written
    assert "ValueError" in written
    assert "hunter2" not in written + str(raised.value)


def test_what_python_says_of_a_mistake_in_the_program_is_kept() -> None:
    with pytest.raises(AttributeError) as raised:
        object().missing  # type: ignore[attr-defined]  # noqa: B018
    assert "missing" in report(raised.value)["words"]
