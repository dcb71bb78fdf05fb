"""Log lines as JSON, without patient data: no bodies, names, keys, queries, nor the text of an exception."""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import TextIO

LOGGER_NAME = "lambda_src"
FIELDS = "fields"
"""Name of the `extra` entry whose mapping is written beside the message."""


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, message, the record's own fields, and where an error came from."""

    def format(self, record: logging.LogRecord) -> str:
        """The line. Of an exception only its type and places in the code: its text may quote what the caller sent."""
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "message": record.getMessage(),
            **getattr(record, FIELDS, {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            entry["error"] = type(record.exc_info[1]).__name__
            entry["at"] = [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(record.exc_info[2])]
        return json.dumps(entry)


def setup_logging(stream: TextIO | None = None) -> None:
    """Send this package's log lines to a stream (stderr unless told), and to it alone."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger(LOGGER_NAME)
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
