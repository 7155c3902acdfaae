"""The Lambdas' own log: one JSON object a line, never with a token, a secret or a request's body.

Where the runtime has set up logging already (AWS, with its JSON format), its handler is used, which prints `extra`
fields as well.
"""

import json
import logging
import sys
from datetime import UTC, datetime

_ORDINARY = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JsonLine(logging.Formatter):
    """Formats time, level, logger and message, then the fields passed as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {key: value for key, value in record.__dict__.items() if key not in _ORDINARY}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, separators=(",", ":"))


def service_logger(name: str) -> logging.Logger:
    """Returns the logger of one Lambda (`cadence.<name>`), at level INFO."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLine())
    logging.basicConfig(handlers=[handler])
    logger = logging.getLogger(f"cadence.{name}")
    logger.setLevel(logging.INFO)
    return logger
