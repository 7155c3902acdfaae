"""Answers what it was asked, and keeps the last body in the table."""

import base64
import json
import os

import boto3

table = boto3.resource("dynamodb").Table(os.environ["TABLE"])


def handler(event, context):
    body = event.get("body", "")
    if event.get("isBase64Encoded"):
        body = base64.b64decode(body).decode("latin-1")
    if event["rawPath"] == "/v1/last":
        answer = table.get_item(Key={"pk": "last"}).get("Item", {}).get("body", "")
    else:
        if event["requestContext"]["http"]["method"] == "PUT":
            table.put_item(Item={"pk": "last", "body": body})
        answer = {
            "path": event["rawPath"],
            "query": event.get("rawQueryString", ""),
            "method": event["requestContext"]["http"]["method"],
            "headers": event["headers"],
            "body": body,
        }
    print("answered")
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(answer)}
