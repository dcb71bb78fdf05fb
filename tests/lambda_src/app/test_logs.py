import io
import json
import logging
from collections.abc import Iterator

import pytest

from lambda_src.app.logs import FIELDS, LOGGER_NAME, setup_logging


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    logger = logging.getLogger(LOGGER_NAME)
    before = (logger.handlers, logger.level, logger.propagate)
    stream = io.StringIO()
    setup_logging(stream)
    yield stream
    logger.handlers, logger.level, logger.propagate = before


def test_a_line_is_one_json_object(lines: io.StringIO) -> None:
    logging.getLogger("lambda_src.app").info("request", extra={FIELDS: {"status": 200}})
    entry = json.loads(lines.getvalue())
    assert (entry["message"], entry["level"], entry["status"]) == ("request", "INFO", 200)
    assert entry["time"].endswith("+00:00")


def test_an_exception_gives_its_type_and_place_but_not_its_text(lines: io.StringIO) -> None:
    try:
        raise ValueError("DOE^JANE")
    except ValueError:
        logging.getLogger(LOGGER_NAME).exception("unhandled")
    entry = json.loads(lines.getvalue())
    assert entry["error"] == "ValueError"
    assert entry["at"][0].startswith("test_an_exception_gives_its_type_and_place")
    assert "DOE" not in lines.getvalue()
