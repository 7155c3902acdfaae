"""Writes the OpenAPI document of all routes to standard output: ``PYTHONPATH=functions python -m api``."""

import json

from api.openapi import document
from api.routes import GROUPS

print(json.dumps(document(GROUPS), indent=2, ensure_ascii=False))
